"""Each protocol asks what its name says: checked on logs of a few lines with obvious answers."""

import numpy as np
import pytest

from engagement.learning.evaluation import (
    ALL,
    COLD,
    NEW,
    cold_items,
    fixed_split,
    leave_last_out,
    measure,
    next_in_session,
    prefixes_and_targets,
    time_split,
)
from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import MostPopular, SequenceRules


def log(*lines):
    """Lines of (row, item, moment in days)."""
    rows, items, days = zip(*lines, strict=True)
    return Interactions.from_keys(rows, items, moments=np.array(days) * DAY)


def names(interactions, columns):
    return [str(interactions.column_keys[column]) for column in columns]


def answers(task, variant=ALL):
    truth = task.questions[variant].truth
    return [names(task.train, truth[[row]].indices) for row in range(truth.shape[0])]


def given(task, variant=ALL):
    histories = task.questions[variant].histories
    parts = np.split(histories.columns, histories.starts[1:-1])
    return [names(task.train, part) for part in parts]


def taught(task):
    return sorted(names(task.train, task.train.columns))


SHELF = log(
    ("ann", "bread", 0),
    ("ann", "tea", 1),
    ("ann", "wine", 2),
    ("ann", "milk", 3),
    ("ben", "tea", 1),
    ("ben", "wine", 2),
    ("cai", "salt", 5),
)


# -- leave-last-out ---------------------------------------------------------------------------
def test_the_last_event_of_everybody_is_the_answer(rng):
    task = leave_last_out(SHELF, rng)
    assert answers(task) == [["milk"], ["wine"]]
    assert given(task) == [["bread", "tea", "wine"], ["tea"]]
    assert taught(task) == ["bread", "salt", "tea", "tea", "wine"]
    assert task.notes == {"rows": 3, "too short": 1}


def test_the_event_before_the_last_may_be_withheld_from_learning_but_not_from_the_question(rng):
    task = leave_last_out(SHELF, rng, withhold=1)
    assert given(task) == [["bread", "tea", "wine"], ["tea"]]
    assert taught(task) == ["bread", "salt", "tea"]


def test_for_tuning_the_event_before_the_last_is_asked(rng):
    task = leave_last_out(SHELF, rng, skip=1)
    assert answers(task) == [["wine"]]
    assert given(task) == [["bread", "tea"]]
    assert "milk" not in taught(task)


def test_what_a_visitor_has_is_not_ranked_unless_it_may_come_again(rng):
    assert leave_last_out(SHELF, rng).questions[ALL].banned.nnz == 4
    assert leave_last_out(SHELF, rng, repeats=True).questions[ALL].banned.nnz == 0


# -- time -------------------------------------------------------------------------------------
def test_a_time_split_says_how_many_answering_strangers_were_not_asked(rng):
    lines = [("ann", "tea", 0), ("ben", "milk", 20), ("ann", "milk", 29), ("cai", "milk", 30)]
    task = time_split(log(*lines), rng, days=5)
    assert answers(task) == [["milk"]]
    assert answers(task, NEW) == [["milk"]]
    assert task.notes == {"days": 5, "strangers": 1}


# -- fixed files ------------------------------------------------------------------------------
def two_files():
    everything = log(
        ("ann", "bread", 0),
        ("ann", "tea", 0),
        ("ben", "tea", 0),
        # test:
        ("ann", "wine", 1),
        ("ann", "tea", 1),
        ("cai", "tea", 1),
        ("cai", "rum", 1),
    )
    return everything.select(np.arange(3)), everything.select(np.arange(3, 7))


def test_a_fixed_split_asks_everybody_in_the_test_file(rng):
    task = fixed_split(*two_files(), rng)
    assert answers(task) == [["tea", "wine"], ["rum", "tea"]]
    assert given(task) == [["bread", "tea"], []]
    assert task.notes == {"unknown users": 1, "unknown items": 2}


def test_recall_counts_answers_that_nothing_can_find(rng):
    """LightGCN's tables divide by all answers; ann's tea is masked, wine and rum are unknown."""
    task = fixed_split(*two_files(), rng, k=5)
    model = MostPopular().fit(task.train)
    found = measure(
        model, task.questions[ALL], task.popularity(), 5, recall_of_all=task.recall_of_all
    )
    assert found.questions["recall"].tolist() == [0.0, 0.5]


def test_recall_may_exceed_what_a_list_holds():
    """With three answers and a list of one, the best list reaches 1 here and 1/3 there."""
    train = log(("ann", "a", 0), ("ben", "b", 0), ("ben", "c", 0), ("ben", "d", 0))
    test = Interactions(
        np.zeros(3, np.int32),
        np.array([1, 2, 3], np.int32),
        np.zeros(3, np.int64),
        np.ones(3, np.float32),
        train.n_rows,
        train.n_columns,
    )
    task = fixed_split(train, test, np.random.default_rng(0), k=1)
    model = MostPopular().fit(train)
    for of_all, recall in ((False, 1.0), (True, 1 / 3)):
        found = measure(model, task.questions[ALL], task.popularity(), 1, recall_of_all=of_all)
        assert found.mean("recall") == pytest.approx(recall)


def test_files_in_two_numberings_are_refused(rng):
    with pytest.raises(ValueError, match="differently"):
        fixed_split(log(("ann", "tea", 0)), SHELF, rng)


# -- sessions ---------------------------------------------------------------------------------
def visits(n=20):
    """Ann looks at bread, butter, jam on every day."""
    items = ["bread", "butter", "jam"] * n
    return Interactions.from_keys(
        ["ann"] * 3 * n,
        items,
        moments=np.repeat(np.arange(n), 3) * DAY + np.tile([0, 60, 120], n),
    )


def test_each_step_of_a_held_out_visit_is_a_question(rng):
    task = next_in_session(visits(), rng, share=0.1, session_gap=1800)
    assert given(task) == [["bread"], ["bread", "butter"]] * 2
    assert answers(task) == [["butter"], ["jam"]] * 2
    assert len(task.train) == 3 * 18


def test_a_model_of_order_answers_them(rng):
    task = next_in_session(visits(), rng, days=2, session_gap=1800)
    model = SequenceRules(session_gap=1800).fit(task.train)
    found = measure(model, task.questions[ALL], task.popularity(), task.k)
    assert found.mean("hit_rate") == 1.0
    assert found.mean("mrr") >= 0.75


def test_a_visit_that_is_under_way_at_the_cut_ends_there(rng):
    moments = np.array([0, 60, 10 * DAY - 60, 10 * DAY + 60, 10 * DAY + 9000, 10 * DAY + 9060])
    events = Interactions.from_keys(["ann"] * 6, list("abcabc"), moments=moments)
    cut = 10 * DAY
    days = (moments[-1] + 1 - cut) / DAY
    task = next_in_session(events, rng, days=days, session_gap=1800)
    assert task.train.moments.max() < cut
    assert len(task.questions[ALL]) == 1


def test_pairs_are_asked_as_they_are(rng):
    train = visits()
    prefixes = Histories(
        np.array([0, 1, 3]),
        np.array([0, 0, 1], np.int32),
        np.zeros(3, np.int64),
        np.ones(3, np.float32),
        np.zeros(2, np.int64),
    )
    task = prefixes_and_targets(train, prefixes, np.array([1, 2]), rng)
    assert given(task) == [["bread"], ["bread", "butter"]]
    assert answers(task) == [["butter"], ["jam"]]
    few = prefixes_and_targets(train, prefixes, np.array([1, 2]), rng, n=1)
    assert len(few.questions[ALL]) == 1
    assert len(given(few)[0]) == (1 if answers(few) == [["butter"]] else 2)


# -- cold items -------------------------------------------------------------------------------
def test_cold_items_teach_nothing_and_are_all_that_is_ranked(rng):
    lines = [("ann", "tea", 0), ("ben", "tea", 20), ("ann", "wine", 29), ("ann", "tea", 29)]
    task = cold_items(log(*lines), rng, days=5)
    assert answers(task, COLD) == [["wine"]]
    assert given(task, COLD) == [["tea"]]
    assert names(task.train, np.flatnonzero(task.catalogue)) == ["wine"]
    assert taught(task) == ["tea", "tea"]


def test_without_times_some_items_are_drawn(rng):
    lines = [(row, item, 0) for row in range(20) for item in range(10)]
    task = cold_items(log(*lines), rng, days=None, share=0.3)
    assert task.catalogue.sum() == 3
    assert len(task.train) == 20 * 7
    assert len(task.questions[COLD]) == 20


@pytest.mark.parametrize(
    "ask",
    [leave_last_out, time_split, next_in_session, cold_items],
    ids=lambda ask: ask.__name__,
)
def test_an_empty_log_asks_nothing(ask, rng):
    task = ask(Interactions.from_keys([], []), rng)
    assert len(task.questions[task.variant]) == 0
    assert len(task.train) == 0
