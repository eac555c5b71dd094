import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from engagement.flows.training.log_files import open_log
from engagement.flows.training.log_rows import LogReader
from engagement.learning.evaluation import (
    ALL,
    NEW,
    Questions,
    bootstrap,
    by_time,
    holdout_days,
    measure,
    metrics,
    renumber,
    time_split,
    what_comes_next,
    what_goes_with,
)
from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import EASE, ItemKNN, MostPopular, Recommender


class Fixed(Recommender):
    """Scores everybody's items as it is told."""

    def __init__(self, scores):
        self.scores = np.asarray(scores, dtype=np.float32)

    def score(self, histories):
        return np.tile(self.scores, (len(histories), 1))


def ask(truth, banned=None, n=None):
    truth = csr_array(np.asarray(truth, dtype=np.float32))
    banned = csr_array(truth.shape if banned is None else np.asarray(banned, dtype=np.float32))
    starts = np.zeros(truth.shape[0] + 1, dtype=np.int64)
    none = np.empty(0)
    histories = Histories(
        starts,
        none.astype(np.int32),
        none.astype(np.int64),
        none.astype(np.float32),
        np.zeros(truth.shape[0], dtype=np.int64),
    )
    return Questions(histories, truth, banned)


EVERYONE = np.full(5, 0.5, dtype=np.float32)


# -- metrics --------------------------------------------------------------------------------
def test_a_perfect_list_reaches_one_however_many_answers_there_are():
    found = measure(Fixed([5, 4, 3, 2, 1]), ask([[1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]), EVERYONE, k=3)
    assert found.questions["ndcg"].tolist() == [1.0, 1.0]
    assert found.questions["recall"].tolist() == [1.0, 1.0]


def test_the_second_place_is_worth_less_than_the_first():
    found = measure(Fixed([5, 4, 3, 2, 1]), ask([[0, 1, 0, 0, 1]]), EVERYONE, k=3)
    ideal = 1 + 1 / np.log2(3)
    assert found.mean("ndcg") == pytest.approx((1 / np.log2(3)) / ideal)
    assert found.mean("recall") == 0.5
    assert found.mean("hit_rate") == 1.0
    assert found.mean("mrr") == 0.5


def test_what_has_no_score_is_not_recommended():
    found = measure(Fixed([0, 0, 0, 0, 1]), ask([[1, 1, 0, 0, 0]]), EVERYONE, k=3)
    assert found.mean("ndcg") == 0.0
    assert found.coverage == pytest.approx(0.2)


def test_banned_and_unknown_items_are_not_ranked():
    popularity = np.array([0.5, 0.5, 0.5, 0.5, 0.0], dtype=np.float32)
    found = measure(
        Fixed([4, 3, 2, 1, 9]), ask([[0, 0, 1, 0, 0]], banned=[[1, 1, 0, 0, 0]]), popularity, k=1
    )
    assert found.mean("ndcg") == 1.0
    assert found.coverage == 0.25


def test_recommending_what_everybody_has_is_no_news():
    popularity = np.array([1.0, 0.25, 0.25, 0.25, 0.25], dtype=np.float32)
    truth = [[1, 0, 0, 0, 0]]
    assert measure(Fixed([9, 1, 1, 1, 1]), ask(truth), popularity, k=1).novelty == 0.0
    assert measure(Fixed([1, 9, 1, 1, 1]), ask(truth), popularity, k=1).novelty == 2.0


def test_blocks_change_nothing(monkeypatch, rng):
    scores = rng.random(30).astype(np.float32)
    truth = rng.random((50, 30)) < 0.2
    truth[:, 0] = True
    questions = ask(truth)
    popularity = np.full(30, 0.1, dtype=np.float32)
    whole = measure(Fixed(scores), questions, popularity)
    monkeypatch.setattr(metrics, "BLOCK", 100)
    cut = measure(Fixed(scores), questions, popularity)
    assert cut.summary() == whole.summary()


def test_a_model_that_answers_nonsense_is_refused():
    with pytest.raises(ValueError, match="finite"):
        measure(Fixed([1, 2, np.nan, 4, 5]), ask([[1, 0, 0, 0, 0]]), EVERYONE)
    with pytest.raises(ValueError, match="shape"):
        measure(Fixed([1, 2]), ask([[1, 0, 0, 0, 0]]), EVERYONE)


def test_an_interval_holds_the_mean_and_narrows_with_more_visitors(rng):
    few, many = rng.random(50), rng.random(5000)
    low, high = bootstrap(few, rng)
    assert low < few.mean() < high
    narrow_low, narrow_high = bootstrap(many, rng)
    assert narrow_high - narrow_low < (high - low) / 5
    assert bootstrap(np.empty(0), rng) == (0.0, 0.0)


# -- questions ------------------------------------------------------------------------------
def shop(*lines):
    """Lines of (visitor, item, day)."""
    visitors, items, days = zip(*lines, strict=True)
    return Interactions.from_keys(visitors, items, moments=np.array(days) * DAY)


ANN_AND_BEN = (
    ("ann", "bread", 0),
    ("ann", "tea", 1),
    ("ben", "tea", 2),
    ("ben", "wine", 3),
    # held out:
    ("ann", "tea", 9),
    ("ann", "wine", 9),
    ("cai", "tea", 9),  # not known before
    ("ben", "caviar", 10),  # not sold before
)
BREAD, CAVIAR, TEA, WINE = range(4)
ANN, BEN, CAI = range(3)


def test_the_last_days_are_the_answers(rng):
    split = by_time(shop(*ANN_AND_BEN), days=2)
    assert sorted(split.train.columns.tolist()) == [BREAD, TEA, TEA, WINE]
    questions = what_comes_next(split, 100, rng)
    assert len(questions[ALL]) == 1
    assert questions[ALL].truth.toarray()[0].nonzero()[0].tolist() == [TEA, WINE]
    assert questions[ALL].histories.columns.tolist() == [BREAD, TEA]
    assert questions[ALL].histories.now.tolist() == [split.cut]


def test_new_items_are_those_a_visitor_never_took(rng):
    questions = what_comes_next(by_time(shop(*ANN_AND_BEN), days=2), 100, rng)[NEW]
    assert questions.truth.toarray()[0].nonzero()[0].tolist() == [WINE]
    assert questions.banned.toarray()[0].nonzero()[0].tolist() == [BREAD, TEA]


def test_views_teach_and_purchases_are_the_answers(rng):
    everything = shop(*ANN_AND_BEN)
    bought = renumber(shop(("ann", "wine", 9), ("ben", "tea", 2), ("zoe", "gin", 9)), everything)
    questions = what_comes_next(by_time(everything, 2, target=bought), 100, rng)
    assert questions[ALL].truth.toarray()[0].nonzero()[0].tolist() == [WINE]
    assert questions[ALL].histories.columns.tolist() == [BREAD, TEA]


def test_given_one_item_of_an_order_the_others_are_the_answers(rng):
    split = by_time(shop(*ANN_AND_BEN), days=2)
    questions = what_goes_with(split, 100, rng)[ALL]
    assert len(questions) == 1
    given = questions.histories.columns[0]
    assert given in (TEA, WINE)
    assert questions.banned.toarray()[0].nonzero()[0].tolist() == [given]
    assert questions.truth.toarray()[0].nonzero()[0].tolist() == [TEA + WINE - given]


def test_no_more_visitors_are_asked_than_needed(rng):
    lines = [(visitor, visitor % 7, 0) for visitor in range(200)]
    lines += [(visitor, (visitor + 1) % 7, 9) for visitor in range(200)]
    split = by_time(shop(*lines), days=2)
    assert len(what_comes_next(split, 30, rng)[ALL]) == 30
    lines += [(visitor, (visitor + 2) % 7, 9) for visitor in range(200)]
    assert len(what_goes_with(by_time(shop(*lines), days=2), 30, rng)[ALL]) == 30


def test_where_there_is_little_less_is_held_out():
    assert holdout_days(shop(("a", "b", 0), ("a", "b", 365)), 28) == 28
    assert holdout_days(shop(("a", "b", 0), ("a", "b", 30)), 28) == 10
    assert holdout_days(shop(("a", "b", 0), ("a", "b", 1)), 28) == 0


def test_nothing_at_all_asks_nothing(rng):
    nothing = Interactions.from_keys([], [])
    for days in (0, 7):
        split = by_time(nothing, days)
        assert len(what_comes_next(split, 10, rng)[ALL]) == 0
        assert len(what_goes_with(split, 10, rng)[ALL]) == 0
    one_day = shop(("ann", "tea", 0), ("ben", "tea", 0))
    assert len(what_comes_next(by_time(one_day, 0), 10, rng)[ALL]) == 0


# -- against known figures ------------------------------------------------------------------
@cache
def online_retail():
    path = Path(os.environ["ENGAGEMENT_DATA"]) / "online_retail" / "online_retail.parquet"
    reader = LogReader()
    log = reader.interactions(reader.read(open_log(path, item_pattern=r"^\d{5}")))
    return time_split(log, np.random.default_rng(0), days=28)


@pytest.mark.data
@pytest.mark.parametrize(
    ("model", "everything", "new"),
    [
        (MostPopular(window_days=7), 0.146, 0.092),
        (ItemKNN(100, history="once"), 0.190, 0.086),
        (EASE(300, n_weights=None, history="once"), 0.256, 0.098),
        (EASE(300, half_life_days=60), 0.274, 0.098),
    ],
    ids=["popular", "item-knn", "ease", "ease-decayed"],
)
def test_online_retail_scores_what_others_measured(model, everything, new):
    """The protocol is right when it finds what was measured independently on the same data."""
    task = online_retail()
    assert {kind: len(some) for kind, some in task.questions.items()} == {ALL: 1317, NEW: 1206}
    model.fit(task.train)
    found = {kind: measure(model, some, task.popularity()) for kind, some in task.questions.items()}
    assert found[ALL].mean("ndcg") == pytest.approx(everything, abs=0.0015)
    assert found[NEW].mean("ndcg") == pytest.approx(new, abs=0.0015)
