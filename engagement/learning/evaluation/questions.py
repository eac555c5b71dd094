"""What a model is asked in an evaluation, and what the right answers are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.evaluation.split import Split
from engagement.learning.interactions import Histories, Int64

ALL, NEW = "all", "new"


@dataclass(frozen=True, slots=True)
class Questions:
    """
    Histories, the items that followed (``truth``) and the items that may not be answered.

    Both matrices have a row a history and a column an item; every row of ``truth`` has an entry.
    """

    histories: Histories
    truth: csr_array
    banned: csr_array

    def __len__(self) -> int:
        return len(self.histories)

    def slice(self, start: int, end: int) -> Questions:
        return Questions(
            slice_of(self.histories, start, end), self.truth[start:end], self.banned[start:end]
        )


def what_comes_next(split: Split, n: int, rng: np.random.Generator) -> dict[str, Questions]:
    """
    Ask what visitors will take in the held-out days, given everything they did before.

    Under ``all`` anything they took is right; under ``new`` only what they had never taken
    before, and what they had is not ranked at all. At most ``n`` visitors are asked.
    """
    pairs = distinct_pairs(split.answers.rows, split.answers.columns, split.answers.n_columns)
    past = distinct_pairs(split.before.rows, split.before.columns, split.before.n_columns)
    known = np.bincount(split.train.rows, minlength=split.train.n_rows) > 0
    questions = {}
    for variant, wanted in ((ALL, pairs), (NEW, np.setdiff1d(pairs, past, assume_unique=True))):
        rows, columns = np.divmod(wanted, split.answers.n_columns)
        kept = known[rows]
        asked = some_of(np.unique(rows[kept]), n, rng)
        truth = ones_at(rows[kept], columns[kept], split.train.n_rows, split.train.n_columns)
        banned = (
            ones_at(*np.divmod(past, split.answers.n_columns), *truth.shape)
            if variant == NEW
            else nothing_at(*truth.shape)
        )
        histories = split.train.histories(asked, now=split.cut)
        questions[variant] = Questions(histories, truth[asked], banned[asked])
    return questions


def what_goes_with(split: Split, n: int, rng: np.random.Generator) -> dict[str, Questions]:
    """
    Ask, given one item of a held-out order (or of a visitor's held-out days), for the others.

    One item of each is drawn as the question, so that large orders count no more than small ones.
    """
    n_columns = split.answers.n_columns
    pairs = distinct_pairs(split.answers.rows, split.answers.columns, n_columns)
    rows, columns = np.divmod(pairs, n_columns)
    sizes = np.bincount(rows, minlength=split.answers.n_rows)
    asked = some_of(np.flatnonzero(sizes >= 2), n, rng)
    # The pairs are sorted by row, so a row's items lie together.
    firsts = np.searchsorted(rows, asked)
    given = columns[firsts + (rng.random(len(asked)) * sizes[asked]).astype(np.int64)]
    place = np.full(split.answers.n_rows, -1, dtype=np.int64)
    place[asked] = np.arange(len(asked))
    inside = place[rows] >= 0
    question, column = place[rows[inside]], columns[inside]
    others = column != given[question]
    shape = (len(asked), n_columns)
    histories = Histories(
        starts=np.arange(len(asked) + 1, dtype=np.int64),
        columns=given.astype(np.int32),
        moments=np.full(len(asked), split.cut, dtype=np.int64),
        weights=np.ones(len(asked), dtype=np.float32),
        now=np.full(len(asked), split.cut, dtype=np.int64),
    )
    return {
        ALL: Questions(
            histories,
            ones_at(question[others], column[others], *shape),
            ones_at(np.arange(len(asked)), given, *shape),
        )
    }


def distinct_pairs(rows: NDArray[np.int32], columns: NDArray[np.int32], n_columns: int) -> Int64:
    """Return each (row, column) once, as one sorted number."""
    pairs = rows.astype(np.int64) * n_columns + columns
    # Sorted, because NumPy's own ``unique`` is many times slower where most differ.
    pairs.sort()
    return pairs[np.flatnonzero(np.diff(pairs, prepend=-1))]


def ones_at(rows: Int64, columns: Int64, n_rows: int, n_columns: int) -> csr_array:
    ones = np.ones(len(rows), dtype=np.float32)
    return csr_array((ones, (rows, columns)), shape=(n_rows, n_columns))


def nothing_at(n_rows: int, n_columns: int) -> csr_array:
    return csr_array((n_rows, n_columns), dtype=np.float32)


def met_in(histories: Histories, n_columns: int) -> csr_array:
    """Return histories × columns with an entry for what each history holds."""
    return histories.matrix(n_columns).astype(bool).astype(np.float32)


def some_of(rows: Int64, n: int, rng: np.random.Generator) -> Int64:
    return rows if len(rows) <= n else np.sort(rng.choice(rows, n, replace=False))


def slice_of(histories: Histories, start: int, end: int) -> Histories:
    low, high = int(histories.starts[start]), int(histories.starts[end])
    return Histories(
        starts=histories.starts[start : end + 1] - low,
        columns=histories.columns[low:high],
        moments=histories.moments[low:high],
        weights=histories.weights[low:high],
        now=histories.now[start:end],
    )
