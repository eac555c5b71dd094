"""A blend learns from held-out days which of its members to believe."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders.blend import Blend, build
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.holdouts import following, windows
from engagement.learning.recommenders.trees import Trees

HERE = "engagement.learning.recommenders"
MEMBERS = {
    "linear": {"BACKEND": f"{HERE}.linear.EASE", "OPTIONS": {"regularization": 5.0}},
    "popular": {"BACKEND": f"{HERE}.popular.MostPopular", "OPTIONS": {"window_days": 7}},
}
N_ITEMS = 40


@pytest.fixture(scope="module")
def log() -> Interactions:
    """Two tastes, weekly visitors, each of whom buys one favourite again and again."""
    rng = np.random.default_rng(3)
    rows, columns, moments = [], [], []
    for visitor in range(120):
        favourite = visitor % 2 * 20 + rng.integers(20)
        for week in range(20):
            taste = visitor % 2 * 20 + rng.integers(20, size=2)
            for item in (favourite, *taste):
                rows.append(visitor)
                columns.append(item)
                moments.append(week * 7 * DAY + int(rng.integers(DAY)))
    return Interactions(
        np.array(rows, np.int32),
        np.array(columns, np.int32),
        np.array(moments, np.int64),
        np.ones(len(rows), np.float32),
        120,
        N_ITEMS,
    )


def blend(**options: object) -> Blend:
    settings = {"members": MEMBERS, "horizon_days": 14, "step_days": 7, "n_trees": 20, **options}
    return Blend(**settings)


@pytest.fixture(scope="module")
def fitted(log: Interactions) -> Blend:
    return blend(ranker="sum").fit(log)


def test_the_favourite_of_a_visitor_comes_first(log: Interactions, fitted: Blend) -> None:
    scores = fitted.score(log.histories(np.arange(120)))

    favourites = log.matrix().toarray().argmax(axis=1)
    assert (scores.argmax(axis=1) == favourites).mean() > 0.95


def test_without_repeats_nothing_known_comes_back(log: Interactions) -> None:
    model = blend(ranker="sum", repeats=False, horizon_days=7).fit(log.select(log.columns % 5 > 0))

    histories = log.histories(np.arange(20))
    assert not (model.score(histories)[histories.matrix(N_ITEMS).toarray() > 0]).any()


def test_items_never_met_by_anyone_are_not_proposed(log: Interactions) -> None:
    model = blend(ranker="sum").fit(log.select(log.columns != 7))

    assert model.score(log.histories(np.arange(120)))[:, 7].max() == 0


def test_contributions_of_features_sum_to_the_score(log: Interactions, fitted: Blend) -> None:
    histories = log.histories([5])
    scores = fitted.score(histories)[0]
    first, second = np.argsort(-scores)[:2]

    parts = [sum(fitted.contributions(histories, int(k)).values()) for k in (first, second)]
    assert parts[0] - parts[1] == pytest.approx(scores[first] - scores[second], rel=1e-3)


def test_thin_data_falls_back_to_the_mean_standing_of_the_members(log: Interactions) -> None:
    few = log.select(log.rows < 3)

    model = blend(ranker="auto", min_answers=100_000).fit(few)

    history = few.histories([1])
    scores = model.score(history)[0]
    parts = model.contributions(history, int(scores.argmax()))
    assert scores.max() > 0
    assert all(name.startswith("standing.") for name in parts)


def test_one_visitor_is_answered_as_in_a_batch(log: Interactions, fitted: Blend) -> None:
    together = fitted.score(log.histories([3, 4]))

    assert np.allclose(fitted.score(log.histories([4]))[0], together[1], atol=1e-4)


def test_a_stored_blend_answers_as_before(log: Interactions, fitted: Blend) -> None:
    again = Blend(**fitted.get_options()).set_arrays(fitted.get_arrays())

    histories = log.histories(np.arange(10))
    assert np.array_equal(again.score(histories), fitted.score(histories))
    assert all(array.dtype != object for array in fitted.get_arrays().values())


def test_the_same_data_give_the_same_blend(log: Interactions, fitted: Blend) -> None:
    histories = log.histories(np.arange(10))

    again = blend(ranker="sum").fit(log)
    assert np.array_equal(again.score(histories), fitted.score(histories))


def test_strangers_get_what_is_popular_and_unknown_items_are_ignored(fitted: Blend) -> None:
    now = 140 * DAY
    nobody = Histories.of([], now=now)
    unknown = Histories.of([-1, 999], now=now)

    assert (fitted.score(nobody) > 0).sum() > 5
    assert np.array_equal(fitted.score(unknown)[0] > 0, fitted.score(nobody)[0] > 0)


def test_an_empty_log_and_a_single_item_give_no_error() -> None:
    empty = Interactions.from_keys([], [])
    single = Interactions.from_keys(["a", "b"], ["x", "x"])

    assert blend().fit(empty).score(Histories.of([])).shape == (1, 0)
    assert blend().fit(single).score(Histories.of([])).shape == (1, 1)


def test_trees_and_their_contributions_agree(log: Interactions) -> None:
    pytest.importorskip("lightgbm")
    model = blend(ranker="trees").fit(log)
    histories = log.histories([5])
    scores = model.score(histories)[0]
    first, second = np.argsort(-scores)[:2]

    parts = [sum(model.contributions(histories, int(k)).values()) for k in (first, second)]
    assert parts[0] - parts[1] == pytest.approx(scores[first] - scores[second], abs=1e-4)
    again = Blend(**model.get_options()).set_arrays(model.get_arrays())
    assert np.array_equal(again.score(histories)[0], scores)


def test_prices_and_categories_reach_the_ranker(log: Interactions) -> None:
    prices = np.linspace(1, 9, N_ITEMS, dtype=np.float32)
    prices[3] = np.nan
    categories = (np.arange(N_ITEMS) // 20).astype(np.int32)

    model = blend(ranker="sum").fit(log, catalogue=Catalogue(prices, categories))

    parts = model.contributions(log.histories([5]), 25)
    assert {"item.price", "pair.category"} <= parts.keys()


def test_what_is_no_recommender_is_refused() -> None:
    with pytest.raises(TypeError, match="no recommender"):
        build({"BACKEND": "pathlib.Path"})


def test_the_ranker_never_sees_answers_among_what_members_learn(log: Interactions) -> None:
    rng = np.random.default_rng(0)

    for holdout in windows(log, 14, 6, 7, 1000, rng):
        assert holdout.before.moments.max() < holdout.now
        assert holdout.histories.moments.max() < holdout.now
    (holdout,) = following(log, 0.1, 1000, rng)
    assert holdout.before.moments.max() < holdout.now <= holdout.histories.now.min()
    (holdout,) = following(log, 0.1, 1000, rng, last_only=True)
    assert len(holdout.before) == len(log) - 120


def test_trees_as_arrays_predict_what_the_library_predicts() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    table = np.round(rng.random((3000, 6)), 2).astype(np.float32)
    target = table[:, 0] * table[:, 1] + (table[:, 2] > 0.5)
    options = {"num_leaves": 15, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(options, lightgbm.Dataset(table, target), 20)

    trees = Trees.from_lightgbm(booster.dump_model())

    assert np.allclose(trees.predict(table), booster.predict(table), atol=1e-5)
    parts = trees.contributions(table[:50])
    assert np.allclose(parts.sum(axis=1), trees.predict(table[:50]), atol=1e-5)


def test_a_blend_tells_what_it_listens_to(fitted: Blend) -> None:
    shares = fitted.importance()

    assert sum(shares.values()) == pytest.approx(1, abs=1e-3)
    assert next(iter(shares)).startswith(("score", "standing", "pair"))
