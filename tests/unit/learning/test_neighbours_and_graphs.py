"""Visitor neighbours, graph models, factors and texts on a checkerboard with one right answer."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from scipy.sparse import csr_array

from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import rankers
from engagement.learning.recommenders.content import ContentSimilarity, text_features
from engagement.learning.recommenders.factors import BPR, IALS
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.graph import GraphFilter, RP3Beta, smooth_components
from engagement.learning.recommenders.userknn import AsymmetricKNN, UserKNN

MODELS = [
    UserKNN(n_neighbours=10),
    AsymmetricKNN(alpha=0.3, sharpness=2.0),
    RP3Beta(),
    GraphFilter(n_factors=3),
    IALS(n_factors=4, n_iterations=5),
    BPR(n_factors=8, n_iterations=300),
]
PLAIN = MODELS[:4]
needs_implicit = pytest.mark.skipif(
    importlib.util.find_spec("implicit") is None, reason="implicit is not installed"
)


@pytest.fixture(scope="module")
def board() -> Interactions:
    """Even visitors met all even items but one of their own, odd visitors the odd ones."""
    met = [(v, i) for v in range(12) for i in range(12) if (v + i) % 2 == 0 and v != i]
    rows, columns = np.array(met, dtype=np.int32).T
    n = len(rows)
    return Interactions(rows, columns, np.arange(n, dtype=np.int64), np.ones(n, "f4"), 12, 13)


def fitted(model, log):
    return type(model)(**model.get_options()).fit(log)


def ids(model):
    return type(model).__name__


@pytest.mark.parametrize(
    "model",
    [pytest.param(m, marks=needs_implicit if isinstance(m, IALS | BPR) else ()) for m in MODELS],
    ids=ids,
)
class TestCheckerboard:
    def test_the_missing_item_comes_first_among_the_new(self, model, board):
        histories = board.histories(np.arange(12))
        scores = fitted(model, board).score(histories)

        scores[histories.matrix(13).toarray() > 0] = -np.inf
        assert (scores.argmax(axis=1) == np.arange(12)).all()

    def test_a_visitor_unknown_at_training_is_served(self, model, board):
        scores = fitted(model, board).score(Histories.of([0, 2, 4]))[0]

        assert set(np.argsort(-scores)[:6]) == {0, 2, 4, 6, 8, 10}

    def test_unknown_items_are_ignored(self, model, board):
        model = fitted(model, board)

        known = model.score(Histories.of([0, 2]))
        assert np.allclose(model.score(Histories.of([0, -1, 2, 99])), known, atol=1e-5)

    def test_a_stored_model_answers_as_before(self, model, board):
        model = fitted(model, board)
        again = type(model)(**model.get_options()).set_arrays(model.get_arrays())

        histories = board.histories(np.arange(12))
        assert np.array_equal(again.score(histories), model.score(histories))

    def test_the_same_data_give_the_same_model(self, model, board):
        histories = board.histories(np.arange(12))

        first, second = (fitted(model, board).score(histories) for _ in range(2))
        assert np.array_equal(first, second)


@pytest.mark.parametrize("model", PLAIN, ids=ids)
def test_no_data_and_one_item_give_no_error(model):
    empty, single = Interactions.from_keys([], []), Interactions.from_keys(["a", "b"], ["x", "x"])

    assert fitted(model, empty).score(Histories.of([])).shape == (1, 0)
    assert np.isfinite(fitted(model, single).score(Histories.of([0]))).all()


@pytest.mark.parametrize("model", [RP3Beta(), AsymmetricKNN()], ids=ids)
def test_contributions_of_events_sum_to_the_score(model, board):
    model = fitted(model, board)
    history = Histories.of([0, -1, 2, 2, 4])

    parts = model.explain(history, 6)
    assert parts[1] == 0
    assert parts.sum() == pytest.approx(model.score(history)[0, 6], rel=1e-5)


def test_neighbours_recommend_only_what_they_met_lately(board):
    moments = np.where(board.columns < 6, 0, 100 * DAY)
    log = Interactions(board.rows, board.columns, moments, board.weights, 12, 13)

    scores = UserKNN(recent_days=30).fit(log).score(log.histories([0]))[0]
    assert not scores[:6].any()
    assert scores[6::2].any()


def test_in_a_very_large_shop_the_rarest_items_name_the_neighbours(monkeypatch):
    """Everybody has the best seller; who shares the rare item besides is found as before."""
    lines = [(visitor, 0) for visitor in range(40)] + [(1, 1), (1, 2), (2, 3)]
    rows, columns = np.array(lines, dtype=np.int32).T
    n = len(lines)
    log = Interactions(rows, columns, np.arange(n, dtype=np.int64), np.ones(n, "f4"), 40, 4)
    model = UserKNN(n_neighbours=1).fit(log)
    starts, columns = np.array([0, 2, 3]), np.array([0, 1, 0], np.int32)
    moments = np.zeros(3, np.int64)
    history = Histories(starts, columns, moments, np.ones(3, "f4"), moments[:2])
    whole = model.score(history)
    monkeypatch.setattr("engagement.learning.recommenders.userknn.LOOKED_AT", 5)
    few = model.score(history)
    assert few[0, 2] == pytest.approx(whole[0, 2])
    assert few[0, 2] > 0
    # A history of the best seller alone still has neighbours.
    assert few[1, 0] > 0


def test_a_graph_filter_of_all_components_is_a_ridge_regression(board):
    model = GraphFilter(n_factors=50, ideal=1.0, regularization=0.1).fit(board)
    plain = GraphFilter(n_factors=50, ideal=0.0).fit(board)
    seen = (board.matrix().toarray() > 0).astype(float)
    items = np.maximum(seen.sum(axis=0), 1)
    graph = seen / np.sqrt(np.outer(np.maximum(seen.sum(axis=1), 1), items))
    gram = graph.T @ graph
    ridge = np.linalg.solve(gram + 0.1 * np.eye(len(gram)), gram)
    histories = board.histories(np.arange(12))

    smooth = model.score(histories) - plain.score(histories)
    assert np.allclose(smooth, seen / np.sqrt(items) @ ridge * np.sqrt(items), atol=1e-4)


def test_a_graph_filter_damped_less_holds_more_of_what_is_popular():
    # Whoever likes 0 likes 1 and 2 as well; many others have 1, nobody else has 2.
    lines = [(0, 0), (1, 0), (1, 1), (1, 2)] + [(visitor, 1) for visitor in range(2, 9)]
    rows, columns = np.array(lines, dtype=np.int32).T
    n = len(lines)
    log = Interactions(rows, columns, np.arange(n, dtype=np.int64), np.ones(n, "f4"), 9, 3)
    asked = log.histories([0])

    usual = GraphFilter(n_factors=2).fit(log).score(asked)[0]
    less = GraphFilter(n_factors=2, damping=0.2).fit(log).score(asked)[0]
    assert less[1] / less[2] > usual[1] / usual[2]


def test_the_smoothest_components_are_those_of_the_singular_values():
    rng = np.random.default_rng(1)
    graph = rng.normal(size=(60, 3)) * [9, 6, 4] @ rng.normal(size=(3, 70))
    graph += 0.1 * rng.normal(size=graph.shape)
    _, exact, vectors = np.linalg.svd(graph)

    values, found = smooth_components(csr_array(graph, dtype=np.float32), 3, rng, extra=5)
    assert np.allclose(values, exact[:3] ** 2, rtol=1e-4)
    assert np.allclose(np.abs(found.T @ vectors[:3].T), np.eye(3), atol=1e-3)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_beta_decides_between_bestsellers_and_the_rare(beta):
    rows = [0, 0, 0, 1, 1, 2, 2, 3, 3]
    columns = ["seed", "hit", "rare", "seed", "hit", "other", "hit", "other", "hit"]
    log = Interactions.from_keys(rows, columns)
    hit, rare, seed = (list(log.column_keys).index(key) for key in ("hit", "rare", "seed"))

    scores = RP3Beta(alpha=1.0, beta=beta).fit(log).score(Histories.of([seed]))[0]
    assert (scores[rare] > scores[hit]) == (beta > 0.5)


def test_an_item_that_nobody_touched_is_found_by_its_title():
    titles = ["red clay teapot", "blue wool scarf", "green clay teapot", "yellow wool hat"]
    log = Interactions.from_keys([0, 1], [0, 1])
    log = Interactions(log.rows, log.columns, log.moments, log.weights, 2, 4)

    model = ContentSimilarity().fit(log, catalogue=Catalogue(texts=text_features(titles)))
    scores = model.score(Histories.of([0]))[0]
    assert scores[1:].argmax() + 1 == 2
    assert model.explain(Histories.of([0, 3]), 2).sum() == pytest.approx(
        model.score(Histories.of([0, 3]))[0, 2]
    )


def test_titles_without_spaces_are_compared_by_their_letters():
    texts = text_features(["红色陶瓷茶壶", "蓝色羊毛围巾", "绿色陶瓷茶壶"], words=False)

    likeness = (texts @ texts.T).toarray()
    assert likeness[0, 2] > 2 * likeness[0, 1]


def test_without_texts_content_says_nothing(board):
    assert not ContentSimilarity().fit(board).score(board.histories([0])).any()


@pytest.mark.parametrize("model", [IALS(), BPR()], ids=ids)
def test_a_missing_package_is_named_with_its_extra(model, board, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(rankers.MissingExtra, match=r"django-engagement\[factors\]"):
        model.fit(board)
