"""Order-aware models: what follows what."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders.sequence import NextItem, SequenceRules
from engagement.learning.recommenders.sessions import SessionKNN
from engagement.learning.recommenders.walks import SequenceWalk

MODELS = [
    SequenceRules(),
    SequenceWalk(one_step=1.0),
    NextItem(regularization=1.0),
    SessionKNN(),
]
BREAD, BUTTER, JAM, PHONE, CASE, CHARGER = range(6)


@pytest.fixture(scope="module")
def visits() -> Interactions:
    """Breakfast goes bread, butter, jam; the phone shop goes phone, case, charger."""
    rows, columns = [], []
    for visit in range(20):
        rows += [visit] * 3
        columns += [BREAD, BUTTER, JAM] if visit % 2 else [PHONE, CASE, CHARGER]
    moments = np.arange(60) * 60
    return Interactions(
        np.array(rows, np.int32),
        np.array(columns, np.int32),
        moments.astype(np.int64),
        np.ones(60, np.float32),
        20,
        7,
    )


def fitted(model, visits):
    return type(model)(**model.get_options()).fit(visits)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
class TestOrder:
    def test_the_next_step_comes_first(self, model, visits):
        scores = fitted(model, visits).score(Histories.of([PHONE]))[0]

        scores[PHONE] = 0
        assert scores.argmax() == CASE

    def test_the_other_shop_is_not_mentioned(self, model, visits):
        scores = fitted(model, visits).score(Histories.of([PHONE, CASE]))[0]

        assert np.allclose(scores[[BREAD, BUTTER, JAM]], 0, atol=1e-6)

    def test_the_latest_event_speaks_loudest(self, model, visits):
        model = fitted(model, visits)

        late_phone = model.score(Histories.of([BREAD, PHONE], moments=[0, 10]))[0]
        late_bread = model.score(Histories.of([PHONE, BREAD], moments=[0, 10]))[0]
        assert late_phone[CASE] > late_phone[BUTTER]
        assert late_bread[BUTTER] > late_bread[CASE]

    def test_unknown_items_and_empty_histories_score_nothing(self, model, visits):
        model = fitted(model, visits)

        assert not model.score(Histories.of([])).any()
        assert not model.score(Histories.of([-1, 500])).any()

    def test_one_visitor_is_answered_as_in_a_batch(self, model, visits):
        model = fitted(model, visits)
        both = visits.histories([3, 4])

        together = model.score(both)
        assert np.allclose(model.score(visits.histories([4]))[0], together[1], atol=1e-6)

    def test_a_stored_model_answers_as_before(self, model, visits):
        model = fitted(model, visits)
        again = type(model)(**model.get_options()).set_arrays(model.get_arrays())

        histories = visits.histories(np.arange(5))
        assert np.array_equal(again.score(histories), model.score(histories))

    def test_no_data_give_no_error(self, model, visits):
        empty = Interactions.from_keys([], [])

        assert fitted(model, empty).score(Histories.of([])).shape == (1, 0)


def test_rules_explain_themselves(visits):
    model = SequenceRules().fit(visits)
    history = Histories.of([-1, BREAD, BUTTER], moments=[0, 10, 20])

    parts = model.explain(history, JAM)
    assert parts[0] == 0
    assert (parts[1:] > 0).all()
    assert parts.sum() == pytest.approx(model.score(history)[0, JAM])


def test_a_long_pause_starts_a_new_session(visits):
    tomorrow = visits.moments + 86_400 * (np.arange(60) % 3)

    apart = Interactions(visits.rows, visits.columns, tomorrow, visits.weights, 20, 7)
    assert not SequenceRules(session_gap=3600).fit(apart).score(Histories.of([PHONE])).any()
    assert SequenceRules().fit(apart).score(Histories.of([PHONE]))[0].argmax() == CASE


def test_recent_sessions_win_over_old_ones():
    old, new = 0, 200 * 86_400
    rows = np.repeat(np.arange(6), 2).astype(np.int32)
    columns = np.array([0, 1] * 4 + [0, 2] * 2, dtype=np.int32)
    moments = np.array([old] * 8 + [new] * 4, dtype=np.int64)
    log = Interactions(rows, columns, moments, np.ones(12, np.float32), 6, 3)
    question = Histories.of([0], now=new)

    assert SessionKNN(half_life_days=30).fit(log).score(question)[0, 1:].argmax() == 1
    assert SessionKNN().fit(log).score(question)[0, 1:].argmax() == 0


def test_the_index_is_bounded_by_the_latest_sessions(visits):
    model = SessionKNN(n_sessions=3).fit(visits)

    assert np.diff(model.posting_starts_).max() == 3
    assert set(model.posting_sessions_) == {14, 15, 16, 17, 18, 19}


def test_rare_items_beyond_the_limit_score_zero(visits):
    model = NextItem(regularization=1.0, max_items=3).fit(visits)

    assert (model.score(visits.histories(np.arange(20))).any(axis=0)).sum() <= 3


def test_a_walk_reaches_what_nobody_met_in_one_session():
    # 0 with 1, and 1 with 2, but never 0 with 2.
    columns = np.array([0, 1, 1, 2, 0, 1, 1, 2, 3, 4], dtype=np.int32)
    rows = np.repeat(np.arange(5), 2).astype(np.int32)
    log = Interactions(rows, columns, np.arange(10), np.ones(10, np.float32), 5, 5)
    question = Histories.of([0])

    assert SequenceRules().fit(log).score(question)[0, 2] == 0
    model = SequenceWalk().fit(log)
    assert model.score(question)[0, 2] > 0
    assert not model.score(question)[0, 3:].any()
    assert model.explain(question, 2).sum() == pytest.approx(model.score(question)[0, 2])


def test_a_walk_keeps_no_more_than_it_was_told(visits):
    model = SequenceWalk(n_links=2, n_neighbours=1).fit(visits)

    assert np.diff(model.weights_.indptr).max() == 1
