"""Every recommender of ours keeps the public contract, and does what it is for."""

import numpy as np
import pytest

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import (
    EASE,
    ItemKNN,
    MostPopular,
    RepeatPurchase,
    linear,
    neighbours,
)
from engagement.learning.recommenders.ranking import top_n
from engagement.testing import RecommenderTests
from engagement.testing.recommenders import checkerboard


class TestMostPopular(RecommenderTests):
    recommender = MostPopular
    is_additive = is_personal = finds_neighbours = False


class TestMostPopularLately(TestMostPopular):
    options = {"window_days": 10.0, "half_life_days": 3.0}


class TestItemKNN(RecommenderTests):
    recommender = ItemKNN


class TestItemKNNTfidf(RecommenderTests):
    recommender = ItemKNN
    options = {
        "weighting": "tfidf",
        "shrinkage": 5.0,
        "n_neighbours": 6,
        "half_life_days": 5.0,
        "keep": "source",
    }


class TestItemKNNBM25(RecommenderTests):
    recommender = ItemKNN
    options = {"weighting": "bm25", "counts": "log", "history": "once"}


class TestEASE(RecommenderTests):
    recommender = EASE
    options = {"regularization": 2.0}


class TestEASEDecayed(RecommenderTests):
    recommender = EASE
    options = {"regularization": 2.0, "half_life_days": 5.0, "n_weights": 4, "counts": "sum"}


class TestEASEDense(RecommenderTests):
    recommender = EASE
    options = {"n_weights": None, "history": "sum"}


class TestRepeatPurchase(RecommenderTests):
    recommender = RepeatPurchase
    finds_neighbours = False


# -- popularity -----------------------------------------------------------------------------
def test_what_sold_last_week_is_what_counts():
    shop = Interactions.from_keys(
        ["ann", "ben", "cai", "ann", "ben"],
        ["old", "old", "old", "new", "new"],
        moments=[0, DAY, 2 * DAY, 29 * DAY, 30 * DAY],
    )
    new, old = 0, 1
    assert top_n(MostPopular(window_days=7).fit(shop).score(Histories.of([]))[0], 2).tolist() == [
        new
    ]
    assert MostPopular().fit(shop).score(Histories.of([]))[0].tolist() == [2.0, 3.0]
    fading = MostPopular(half_life_days=7).fit(shop).score(Histories.of([]))[0]
    assert fading[new] > fading[old]


def test_nobody_makes_a_best_seller_alone():
    shop = Interactions.from_keys(["bot"] * 50 + ["ann", "ben"], ["spam"] * 50 + ["tea", "tea"])
    tea, spam = 1, 0
    scores = MostPopular().fit(shop).score(Histories.of([]))[0]
    assert scores[tea] > scores[spam]


# -- neighbours -----------------------------------------------------------------------------
@pytest.mark.parametrize("weighting", ["cosine", "tfidf", "bm25"])
@pytest.mark.parametrize("keep", ["target", "source"])
def test_blocks_change_nothing(weighting, keep, monkeypatch):
    rng = np.random.default_rng(3)
    shop = Interactions.from_keys(rng.integers(0, 60, 900), rng.integers(0, 40, 900))
    model = ItemKNN(7, weighting=weighting, keep=keep).fit(shop)
    whole = model.weights_.toarray()
    monkeypatch.setattr(neighbours, "BLOCK", 50)
    cut = ItemKNN(7, weighting=weighting, keep=keep).fit(shop).weights_.toarray()
    np.testing.assert_allclose(cut, whole, rtol=1e-6)


@pytest.mark.parametrize("keep", ["target", "source"])
def test_an_item_has_no_more_neighbours_than_it_may_and_is_none_itself(keep):
    rng = np.random.default_rng(3)
    shop = Interactions.from_keys(rng.integers(0, 60, 900), rng.integers(0, 40, 900))
    weights = ItemKNN(5, keep=keep).fit(shop).weights_.toarray()
    assert (np.count_nonzero(weights, axis=0 if keep == "target" else 1) <= 5).all()
    assert not weights.diagonal().any()


def test_cosine_is_the_cosine():
    rng = np.random.default_rng(3)
    shop = Interactions.from_keys(rng.integers(0, 30, 200), rng.integers(0, 10, 200))
    met = (shop.matrix().toarray() > 0).astype(float)
    cosine = (met.T @ met) / np.outer(*2 * [np.linalg.norm(met, axis=0)])
    np.fill_diagonal(cosine, 0)
    np.testing.assert_allclose(ItemKNN().fit(shop).weights_.toarray(), cosine, rtol=1e-5)


def test_shrinkage_distrusts_a_single_coincidence():
    rows, columns = [], []
    for visitor in range(30):  # bread and butter, 30 times
        rows += [visitor, visitor]
        columns += ["bread", "butter"]
    rows += [99, 99]
    columns += ["bread", "caviar"]
    rows += range(100, 104)
    columns += ["butter"] * 4
    shop = Interactions.from_keys(rows, columns)
    bread, butter, caviar = 0, 1, 2
    plain = ItemKNN().fit(shop).weights_.toarray()
    wary = ItemKNN(shrinkage=10).fit(shop).weights_.toarray()
    assert wary[bread, caviar] / wary[bread, butter] < plain[bread, caviar] / plain[bread, butter]


def test_unknown_words_in_options_are_refused_at_once():
    for options in ({"weighting": "jaccard"}, {"keep": "both"}, {"counts": "twice"}):
        with pytest.raises(ValueError, match=next(iter(options.values()))):
            ItemKNN(**options)
    for options in ({"regularization": 0}, {"history": "twice"}):
        with pytest.raises(ValueError, match="must be"):
            EASE(**options)


# -- EASE -----------------------------------------------------------------------------------
@pytest.fixture
def shop():
    rng = np.random.default_rng(5)
    taste = rng.integers(0, 4, 300)
    rows = rng.integers(0, 300, 4000)
    columns = (taste[rows] * 25 + rng.geometric(0.1, 4000)) % 100
    return Interactions.from_keys(rows, columns)


def closed_form(shop, regularization):
    met = (shop.matrix().toarray() > 0).astype(np.float64)
    inverse = np.linalg.inv(met.T @ met + regularization * np.eye(met.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


@pytest.mark.parametrize("regularization", [300.0, 1.0, 1e-4])
def test_ease_is_the_closed_form(shop, regularization, monkeypatch):
    monkeypatch.setattr(linear, "BLOCK", 17)
    weights = EASE(regularization, n_weights=None).fit(shop).weights_
    np.testing.assert_allclose(weights, closed_form(shop, regularization), atol=2e-5)


def test_fewer_weights_are_the_largest_ones(shop):
    full = closed_form(shop, 50.0)
    model = EASE(50.0, n_weights=20).fit(shop)
    weights = model.weights_.toarray()
    kept = weights != 0
    np.testing.assert_allclose(weights[kept], full[kept], atol=2e-5)
    assert 0.9 * 20 < kept.sum() / 100 < 1.2 * 20
    assert (kept.sum(axis=1) >= 2).all()
    assert np.abs(full[kept]).min() > 0.5 * np.quantile(np.abs(full), 0.8)


def test_a_large_catalogue_is_learnt_on_its_most_used_items(shop):
    counts = np.bincount(shop.matrix().indices, minlength=100)
    used = np.sort(np.argsort(-counts, kind="stable")[:40])
    for n_weights in (None, 40):
        model = EASE(50.0, n_weights=n_weights, max_items=40).fit(shop)
        scores = model.score(Histories.of(used[:5]))[0]
        assert scores.shape == (100,)
        assert scores[used].any()
        assert not np.delete(scores, used).any()


def test_old_events_fade():
    model = EASE(2.0, half_life_days=10).fit(checkerboard())
    fresh = model.score(Histories.of([0], moments=[0], now=0))[0]
    old = model.score(Histories.of([0], moments=[0], now=10 * DAY))[0]
    np.testing.assert_allclose(old[2], fresh[2] * np.log2(1.5), rtol=1e-5)


def test_an_event_from_the_future_counts_as_one_of_now():
    model = EASE(2.0, half_life_days=10).fit(checkerboard())
    now = model.score(Histories.of([0], moments=[0], now=0))[0]
    future = model.score(Histories.of([0], moments=[99 * DAY], now=0))[0]
    np.testing.assert_array_equal(future, now)


# -- repeat purchase ------------------------------------------------------------------------
def purchases(*lines):
    """Lines of (visitor, item, day)."""
    visitors, items, days = zip(*lines, strict=True)
    return Interactions.from_keys(visitors, items, moments=np.array(days) * DAY)


@pytest.fixture
def grocery():
    """Milk is bought weekly, washing powder every two months, a kettle once."""
    lines = []
    for visitor in range(10):
        lines += [(visitor, "milk", day) for day in range(visitor, 120, 7)]
        lines += [(visitor, "powder", day) for day in range(visitor, 120, 55)]
        lines += [(visitor, "kettle", 60 + visitor)]
    return purchases(*lines)


KETTLE, MILK, POWDER = 0, 1, 2


def test_a_kettle_does_not_come_back(grocery):
    model = RepeatPurchase().fit(grocery)
    scores = model.score(Histories.of([KETTLE, MILK], moments=[90 * DAY] * 2, now=97 * DAY))[0]
    assert scores[MILK] > scores[KETTLE] > 0
    assert scores[POWDER] == 0


def test_each_item_is_given_up_in_its_own_time(grocery):
    model = RepeatPurchase().fit(grocery)

    def alive(column, days):
        history = Histories.of([column], moments=[0], now=days * DAY)
        return model.score(history)[0][column] / model.score(Histories.of([column]))[0][column]

    assert alive(POWDER, 60) > 1.5 * alive(MILK, 60)


def test_what_is_bought_more_often_comes_first(grocery):
    model = RepeatPurchase().fit(grocery)
    often = Histories.of([POWDER, MILK, MILK, MILK], moments=[9 * DAY] * 4, now=9 * DAY)
    assert top_n(model.score(often)[0], 2).tolist() == [MILK, POWDER]


def test_a_shop_where_nobody_has_come_back_yet_ranks_by_recency():
    model = RepeatPurchase().fit(purchases(("ann", "tea", 1), ("ben", "cup", 2)))
    cup, tea = 0, 1
    history = Histories.of([cup, tea], moments=[DAY, 5 * DAY], now=6 * DAY)
    assert top_n(model.score(history)[0], 2).tolist() == [tea, cup]


def test_a_weight_takes_eight_bytes(shop):
    for model in (EASE(50.0, n_weights=20), ItemKNN(10)):
        arrays = model.fit(shop).get_arrays()
        n = len(arrays["weights_.data"])
        assert sum(array.nbytes for array in arrays.values()) < 8 * n + 1000
