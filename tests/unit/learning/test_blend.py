"""A blend learns from held-out days which of its members to believe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import features
from engagement.learning.recommenders.blend import Blend, part
from engagement.learning.recommenders.content import ContentSimilarity, text_features
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.holdouts import following, windows
from engagement.learning.recommenders.members import Members, build
from engagement.learning.recommenders.ranking import first_of_each, largest, top_n
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


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


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


@pytest.mark.parametrize("ranker", ["sum", "trees", "nothing learnt"])
def test_attributions_of_features_sum_to_the_score(log: Interactions, ranker: str) -> None:
    if ranker == "trees":
        pytest.importorskip("lightgbm")
    learnt = {"ranker": ranker} if ranker in ("sum", "trees") else {"min_answers": 10**9}
    model = blend(**learnt).fit(log)

    histories = log.histories([5])
    scores = model.score(histories)[0]
    columns = np.flatnonzero(scores)
    assert len(columns) > 10
    sums = [sum(parts.values()) for parts in model.attribute(histories, columns)]
    assert sums == pytest.approx(scores[columns].tolist(), rel=1e-3, abs=1e-4)


def test_an_item_that_is_no_candidate_has_no_attributions(log: Interactions) -> None:
    model = blend(ranker="sum").fit(log.select(log.columns != 7))

    assert model.attribute(log.histories([5]), [7]) == [{}]


def test_thin_data_falls_back_to_the_mean_standing_of_the_members(log: Interactions) -> None:
    few = log.select(log.rows < 3)

    model = blend(ranker="auto", min_answers=100_000).fit(few)

    history = few.histories([1])
    scores = model.score(history)[0]
    parts = model.contributions(history, int(scores.argmax()))
    assert scores.max() > 0
    assert all(name.startswith("standing.") or name == "constant" for name in parts)


def test_one_visitor_is_answered_as_in_a_batch(log: Interactions, fitted: Blend) -> None:
    together = fitted.score(log.histories([3, 4]))

    assert np.allclose(fitted.score(log.histories([4]))[0], together[1], atol=1e-4)


@pytest.mark.parametrize("repeats", [True, False])
@pytest.mark.parametrize("answers", ["window", "next"])
def test_the_short_way_of_one_visitor_leads_to_what_a_batch_gets(
    log: Interactions, described: Catalogue, repeats: bool, answers: str
) -> None:
    unmet = log.select(log.columns % 9 > 0)
    model = Blend(
        answers=answers,
        repeats=repeats,
        horizon_days=14,
        step_days=7,
        n_ranked=15,
        n_candidates=8,
        n_owned=3,
        ranker="sum",
        strength_power=0,
    )
    model.fit(unmet, catalogue=replace(described, categories=np.arange(N_ITEMS) // 10))

    # Whole histories, a stranger, and one who met items that the shop does not know.
    longer = log.histories(np.arange(0, 120, 7))
    for histories in (longer, strange()):
        together = model.score(histories)
        for number in range(len(histories)):
            alone = model.score(part(histories, number, number + 1))[0]
            assert np.array_equal(alone > 0, together[number] > 0)
            np.testing.assert_allclose(alone, together[number], atol=2e-3)


@pytest.mark.parametrize("n_columns", [9, 200])
@pytest.mark.parametrize("n", [0, 1, 3, 8, 9, 20])
def test_of_equal_values_the_first_are_best(n: int, n_columns: int) -> None:
    values = np.random.default_rng(n).integers(-1, 4, (30, n_columns)).astype(np.float32)

    rows, columns = largest(values, n)

    assert np.all(np.diff(rows) >= 0)
    for number, row in enumerate(values):
        assert columns[rows == number].tolist() == np.sort(top_n(row, n)).tolist()


def test_of_lists_the_largest_values_are_kept_and_of_equal_ones_the_first() -> None:
    rows = np.array([2, 2, 2, 2, 5, 7, 7])
    values = np.array([1, 3, 1, 3, 9, -2, -2], dtype=np.float32)

    assert first_of_each(rows, values, 3).tolist() == [0, 1, 3, 4, 5, 6]
    assert first_of_each(rows, values, 1).tolist() == [1, 4, 5]
    assert first_of_each(rows, values, 0).tolist() == []
    assert first_of_each(rows[:0], values[:0], 2).tolist() == []


@pytest.mark.parametrize("n_words", [3, 400])
def test_texts_are_compared_alike_whether_words_are_common_or_rare(n_words: int) -> None:
    chance = np.random.default_rng(1)
    titles = [" ".join(f"word{w}" for w in chance.integers(0, n_words, 3)) for _ in range(80)]
    model = ContentSimilarity().fit(
        Interactions([], [], [], [], 0, 80), catalogue=Catalogue(texts=text_features(titles))
    )
    together = Histories(
        np.array([0, 1, 4]),
        np.array([3, 9, 9, 40], np.int32),
        np.arange(4) * DAY,
        np.ones(4, np.float32),
        np.array([5 * DAY, 5 * DAY]),
    )

    scores = model.score(together)

    for number in (0, 1):
        alone = model.score(part(together, number, number + 1))[0]
        np.testing.assert_allclose(alone, scores[number], atol=1e-5)


def strange() -> Histories:
    now = np.array([140 * DAY, 140 * DAY])
    columns = np.array([-1, 999, 5, 5, 27], np.int32)
    moments = np.array([100, 101, 102, 102, 130]) * DAY
    return Histories(np.array([0, 0, 5]), columns, moments, np.ones(5, np.float32), now)


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


def test_stored_trees_answer_as_before_without_any_library(log: Interactions) -> None:
    pytest.importorskip("lightgbm")
    model = blend(ranker="trees").fit(log)

    again = Blend(**model.get_options()).set_arrays(model.get_arrays())
    histories = log.histories([5])
    assert again.ranked_by == "trees"
    assert np.array_equal(again.score(histories), model.score(histories))


def test_without_the_extra_a_weighted_sum_ranks(
    log: Interactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engagement.learning.recommenders.rankers.can_learn_trees", lambda: False)

    assert blend(min_answers=10).fit(log).ranked_by == "sum"
    with pytest.raises(ImportError, match="blend"):
        blend(ranker="trees").fit(log)


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


def test_a_blend_tells_what_each_member_adds(fitted: Blend) -> None:
    report = fitted.member_report()

    assert list(report) == list(MEMBERS)
    assert report["linear"]["proposed"] > 0.5
    assert all(0 <= facts["alone"] <= facts["proposed"] <= 1 for facts in report.values())


def test_a_refit_learns_new_counts_and_keeps_the_ranker(log: Interactions) -> None:
    early = log.select(log.moments < 100 * DAY)
    model = blend(ranker="sum").fit(early)
    ranker = model._ranker

    model.refit(log)

    afresh = blend(ranker="sum").fit(early).refit(log)
    histories = log.histories(np.arange(10))
    assert model._ranker is ranker
    assert np.array_equal(model.score(histories), afresh.score(histories))
    assert not np.array_equal(
        model.score(histories), blend(ranker="sum").fit(early).score(histories)
    )


def test_reasons_belong_to_the_scores_that_were_given_last(log: Interactions) -> None:
    early = log.select(log.moments < 100 * DAY)
    model = blend(ranker="sum").fit(early)
    mine, other = log.histories([3]), log.histories([4])

    for asked in (mine, other, mine):
        scores = model.score(asked)[0]
        best = int(np.argmax(scores))
        assert sum(model.contributions(asked, best).values()) == pytest.approx(scores[best])
    before = model.score(mine)[0]
    model.refit(log)
    after = model.score(mine)[0]

    assert not np.array_equal(before, after)
    best = int(np.argmax(after))
    assert sum(model.contributions(mine, best).values()) == pytest.approx(after[best], rel=1e-4)


def test_members_of_one_taste_answer_as_they_would_alone(log: Interactions) -> None:
    knn = f"{HERE}.userknn.UserKNN"
    specs = {
        "ever": {"BACKEND": knn, "OPTIONS": {"n_neighbours": 9}},
        "lately": {"BACKEND": knn, "OPTIONS": {"n_neighbours": 9, "recent_days": 20}},
    }
    together = Members(specs).fit(log, 140 * DAY, Catalogue(), np.random.default_rng(0))
    stored = together.get_arrays()

    histories = log.histories(np.arange(5))
    alone = [build(spec).fit(log).score(histories) for spec in specs.values()]
    for members in (together, Members(specs).set_arrays(stored)):
        for mine, wanted in zip(members.score(histories), alone, strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=1e-5)
    assert sum("visitors_of_item_.data" in name for name in stored) == 1


@pytest.fixture(scope="module")
def described() -> Catalogue:
    """Titles that tell the two tastes apart, and dear items at the end of each."""
    titles = [f"taste{item // 20} thing{item % 5}" for item in range(N_ITEMS)]
    prices = np.where(np.arange(N_ITEMS) % 20 < 10, 1, 9).astype(np.float32)
    return Catalogue(prices=prices, texts=text_features(titles))


def test_an_item_that_nobody_has_met_is_recommended_by_its_text(
    log: Interactions, described: Catalogue
) -> None:
    members = {**MEMBERS, "texts": {"BACKEND": f"{HERE}.content.ContentSimilarity"}}
    unmet = log.select(log.columns != 7)

    model = blend(members=members, ranker="sum").fit(unmet, catalogue=described)

    scores = model.score(unmet.histories(np.arange(120)))[:, 7]
    taste = np.arange(120) % 2 == 0
    assert (scores[taste] > 0).all()
    assert scores[taste].mean() > scores[~taste].mean()


def test_an_objective_of_revenue_raises_what_is_dear(
    log: Interactions, described: Catalogue
) -> None:
    def price_of_best(objective: str) -> float:
        model = blend(ranker="sum", objective=objective).fit(log, catalogue=described)
        best = np.argsort(-model.score(log.histories(np.arange(120))), axis=1)[:, :10]
        return float(described.prices[best].mean())

    assert price_of_best("revenue") > price_of_best("conversion")


def test_only_strong_events_are_answers_unless_clicks_are_wanted(log: Interactions) -> None:
    weights = np.where(log.columns % 20 == 3, 5, 1).astype(np.float32)
    mixed = replace(log, weights=weights)
    holdouts = {
        weighing: [h.columns % 20 for h in windows(mixed, 14, 2, 7, 1000, rng(), weighing=weighing)]
        for weighing in (0.0, 5.0)
    }

    assert set(np.concatenate(holdouts[5.0]).tolist()) == {3}
    assert len(set(np.concatenate(holdouts[0.0]).tolist())) == 20


def test_a_visit_that_goes_on_is_counted() -> None:
    hour = 3600
    histories = Histories.of([0, 1, 2, 3], moments=[0, 9 * hour, 9 * hour + 60, 9 * hour + 120])

    def events_of_the_visit(now: int) -> float:
        asked = replace(histories, now=np.array([now]))
        table = features.candidate_features(
            asked,
            np.array([0]),
            np.array([0]),
            np.zeros((4, len(features.ITEM)), np.float32),
            np.full(4, -1, np.int32),
            28,
        )
        names = [*features.ITEM, *features.VISITOR, *features.PAIR]
        return float(table[0, names.index("visitor.session")])

    assert events_of_the_visit(9 * hour + 300) == 3
    assert events_of_the_visit(12 * hour) == 0
