"""From the rows of files to one numbered log: what cannot be read is left out and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engagement.flows.collecting.values import Refused
from engagement.flows.importing.import_files import RefusedRows
from engagement.flows.importing.import_rows import is_missing
from engagement.flows.importing.tables import Batch
from engagement.flows.training.item_facts import compared_texts
from engagement.flows.training.log_cells import Cells, number_in
from engagement.flows.training.log_files import Source
from engagement.learning.interactions import DAY, Float32, Histories, Int64, Interactions
from engagement.learning.recommenders.features import Catalogue

# Where a file holds an order and no times, a step in a user's list stands for a day, and a
# session in the order of the file for a minute.
STEP, SESSION_STEP = DAY, 60
# How many refused rows are shown as examples.
EXAMPLES = 3


class Keys:
    """Numbers for keys, in the order in which they were met first."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def of(self, key: str) -> int:
        return self.numbers.setdefault(key, len(self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(slots=True)
class Rejected:
    """How many rows were left out for which reason, and the first few with line and column."""

    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    path: Path | None = None


@dataclass(slots=True)
class Events:
    """The rows of one file; ``targets`` where they are questions, one a row."""

    rows: Int64
    columns: Int64
    moments: Int64
    weights: Float32
    n_read: int
    rejected: Rejected
    has_moments: bool
    targets: Int64 | None = None


class LogReader:
    """
    Reads several files into one numbering of rows and items.

    ``by_session``: rows without moments are sessions in the order of the file, and no order within
    a user's list.
    """

    def __init__(self, *, by_session: bool = False, with_texts: bool = False) -> None:
        self.rows, self.items = Keys(), Keys()
        self.by_session = by_session
        self.with_texts = with_texts
        self.titles: dict[int, str] = {}
        self.categories: dict[int, str] = {}
        self._paid: list[tuple[int, int, float]] = []

    # -- reading ----------------------------------------------------------------------------
    def read(self, source: Source, *, rejected_path: Path | None = None) -> Events:
        """Read a file to its end. Rows of questions (prefix, target) are numbered from 0."""
        rows: list[int] = []
        columns: list[int] = []
        moments: list[int] = []
        weights: list[float] = []
        targets: list[int] = []
        n_read = 0
        rejected = Rejected(path=rejected_path)
        file = RefusedRows(rejected_path, source.table.columns) if rejected_path else None
        cells = Cells(source)
        for batch in source.table.batches():
            n_read += len(batch)
            refused = {index: Refused("unreadable", "", why) for index, why in batch.broken.items()}
            for index, key, items, moment, weight, target in cells.rows(batch, refused):
                number = len(targets) if source.is_pairs else self.rows.of(key)
                numbers = [self.items.of(item) for item in items]
                rows += [number] * len(numbers)
                columns += numbers
                moments += [moment] * len(numbers)
                weights += [weight] * len(numbers)
                if source.is_pairs:
                    targets.append(self.items.of(target))
                if numbers and not source.is_pairs:
                    self._keep_texts(source, batch, index, numbers[0], moment)
            _count(rejected, batch, refused)
            if file is not None:
                file.write(batch, refused)
        if file is not None and not file.size:
            rejected.path = None
        return Events(
            np.array(rows, dtype=np.int64),
            np.array(columns, dtype=np.int64),
            np.array(moments, dtype=np.int64),
            np.array(weights, dtype=np.float32),
            n_read,
            rejected,
            source.has_moments,
            np.array(targets, dtype=np.int64) if source.is_pairs else None,
        )

    def _keep_texts(self, source: Source, batch: Batch, index: int, item: int, moment: int) -> None:
        if not self.with_texts:
            return
        for what, known in (("title", self.titles), ("category", self.categories)):
            name = source.columns.get(what)
            value = None if name is None else batch.columns[name][index]
            if not is_missing(value):
                known.setdefault(item, str(value).strip())
        name = source.columns.get("price")
        price = None if name is None else number_in(batch.columns[name][index])
        if price is not None and price > 0:
            self._paid.append((item, moment, price))

    # -- what was read ----------------------------------------------------------------------
    def interactions(self, events: Events) -> Interactions:
        """Return the events under the numbers of all files that were read, keys ascending."""
        row_keys, row_places = _ascending(self.rows)
        column_keys, column_places = _ascending(self.items)
        moments = events.moments
        if not events.has_moments:
            moments = (
                events.rows * SESSION_STEP
                if self.by_session
                else _position_in_row(events.rows) * STEP
            )
        return Interactions(
            rows=row_places[events.rows].astype(np.int32),
            columns=column_places[events.columns].astype(np.int32),
            moments=moments,
            weights=events.weights,
            n_rows=len(row_keys),
            n_columns=len(column_keys),
            row_keys=row_keys,
            column_keys=column_keys,
        )

    def questions(self, events: Events, now: int) -> tuple[Histories, Int64]:
        """Return prefixes, asked at ``now``, and what followed them."""
        if events.targets is None:
            raise ValueError("these rows are no questions")
        _, places = _ascending(self.items)
        n = len(events.targets)
        lengths = np.bincount(events.rows, minlength=n)
        columns = places[events.columns].astype(np.int32)
        histories = Histories(
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            columns=columns,
            moments=np.full(len(columns), now, dtype=np.int64),
            weights=events.weights,
            now=np.full(n, now, dtype=np.int64),
        )
        return histories, places[events.targets]

    def catalogue(self, until: int | None = None) -> Catalogue | None:
        """Return titles, categories and the median price paid before ``until``; None without."""
        if not (self.titles or self.categories or self._paid):
            return None
        n = len(self.items)
        _, places = _ascending(self.items)
        texts = [""] * n
        for item, title in self.titles.items():
            texts[places[item]] = title
        codes = np.full(n, -1, dtype=np.int32)
        names = {name: code for code, name in enumerate(sorted(set(self.categories.values())))}
        for item, name in self.categories.items():
            codes[places[item]] = names[name]
        prices = None
        if self._paid:
            items, moments, paid = (np.array(values) for values in zip(*self._paid, strict=True))
            prices = np.full(n, np.nan, dtype=np.float32)
            if until is not None:
                items, paid = items[moments < until], paid[moments < until]
            order = np.lexsort((paid, items))
            known, first, counts = np.unique(items[order], return_index=True, return_counts=True)
            prices[places[known]] = paid[order][first + counts // 2]
        return Catalogue(
            prices=prices,
            categories=codes if names else None,
            texts=compared_texts(texts),
        )


def _count(rejected: Rejected, batch: Batch, refused: dict[int, Refused]) -> None:
    for index in sorted(refused):
        why = refused[index]
        rejected.reasons[why.code] += 1
        if len(rejected.examples) < EXAMPLES:
            where = f"line {batch.lines[index]}" + (f", column {why.field}" if why.field else "")
            rejected.examples.append(f"{where}: {why.message or why.code}")


def _ascending(keys: Keys) -> tuple[np.ndarray, Int64]:
    """Return the keys in ascending order, and where each number stands in it."""
    names = np.array(list(keys.numbers), dtype=object)
    order = np.argsort(names, kind="stable") if len(names) else np.empty(0, dtype=np.int64)
    places = np.empty(len(names), dtype=np.int64)
    places[order] = np.arange(len(names))
    return names[order], places


def _position_in_row(rows: Int64) -> Int64:
    """Return for each event how many of its row came before it in the file."""
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    lengths = np.diff(np.append(starts, len(rows)))
    positions = np.empty(len(rows), dtype=np.int64)
    positions[order] = np.arange(len(rows)) - np.repeat(starts, lengths)
    return positions
