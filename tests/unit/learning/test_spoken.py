"""What is said of a few items is what would have been said of all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engagement.learning.recommenders.ranking import top_n
from engagement.learning.recommenders.spoken import Spoken, added_up, best_of_one, nowhere


def entries(rng, n, n_entries):
    """Columns, some of them more than once, and whole values, so that many sums tie."""
    columns = rng.integers(0, n, n_entries).astype(np.int32)
    return columns, rng.integers(-1, 3, n_entries).astype(np.float32)


@pytest.mark.parametrize("n_entries", [0, 1, 30, 150, 3000])
def test_a_few_entries_say_what_a_row_of_all_items_says(n_entries):
    rng = np.random.default_rng(n_entries)
    n = 1000
    for _ in range(5):
        columns, values = entries(rng, n, n_entries)
        scores = np.bincount(columns, values, n).astype(np.float32)

        spoken = Spoken.of_entries(columns, values, n)

        assert (spoken.columns is None) == (n_entries > 100)
        mean, spread = spoken.level()
        assert mean == pytest.approx(scores.mean(), abs=1e-6)
        assert spread == pytest.approx(scores.std(), abs=1e-5)
        for most in (0, 1, 7, 100, n):
            found, said = spoken.best_first(most)
            assert found.tolist() == top_n(scores, most).tolist()
            assert said.tolist() == scores[found].tolist()


@pytest.mark.parametrize("make", ["some", "all", "for ever"])
def test_the_best_of_what_is_allowed(make):
    rng = np.random.default_rng(3)
    n = 400
    columns, values = entries(rng, n, 39)
    scores = np.bincount(columns, values, n).astype(np.float32)
    spoken = {
        "some": lambda: Spoken.of_entries(columns, values, n),
        "all": lambda: Spoken.of_all(scores),
        "for ever": lambda: Spoken.for_ever(scores),
    }[make]()
    for share in (0.0, 0.1, 0.9):
        allowed = rng.random(n) < share
        for most in (0, 1, 5, 20, n):
            wanted = top_n(np.where(allowed, scores, 0), most)
            assert sorted(spoken.best(most, allowed).tolist()) == sorted(wanted.tolist())


def test_scores_are_told_of_any_columns():
    spoken = Spoken.of_entries(np.array([7, 3, 7]), np.array([1.0, 2.0, 4.0]), 100)
    asked = np.array([3, 4, 7])
    places = nowhere(100)
    places[asked] = np.arange(3)

    assert spoken.of(asked, places).tolist() == [2.0, 0.0, 5.0]
    assert Spoken.of_all(np.arange(100, dtype=np.float32)).of(asked, places).tolist() == [3, 4, 7]

    places[asked] = -1


def test_threads_do_not_write_on_each_others_rows():
    def add(seed):
        rng = np.random.default_rng(seed)
        for n in rng.integers(500, 5000, 40).tolist():
            columns, values = entries(rng, n, n // 20)
            found, sums = added_up(columns, values, n)
            wanted = np.bincount(columns, values, n)
            assert sorted(found.tolist()) == np.unique(columns).tolist()
            assert np.array_equal(wanted[found], sums)
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(add, range(8)))


def test_of_equal_values_the_first_are_best():
    values = np.array([1, 3, 2, 3, 2, 2], dtype=np.float32)

    assert best_of_one(values, 3).tolist() == [1, 2, 3]
    assert best_of_one(values, 0).tolist() == []
    assert best_of_one(values, 9).tolist() == list(range(6))
