"""A file of rows as a stream of batches, however large it is: what all formats have in common."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

BATCH = 10_000
SAMPLE = 1_000


class CannotRead(Exception):
    """The file as a whole cannot be read; the message says what would help."""


@dataclass(slots=True)
class Batch:
    """
    Some rows of a table, column by column.

    ``lines`` are where they stand in the file (rows counted from 1 for Parquet), ``broken`` says
    of the rows that could not be taken apart why, and ``position`` is how far the file is read.
    ``records`` are the objects as they were, for JSON only.
    """

    lines: Sequence[int]
    columns: Mapping[str, Sequence[Any]]
    position: int
    broken: dict[int, str] = field(default_factory=dict)
    records: Sequence[Any] = ()

    def __len__(self) -> int:
        return len(self.lines)

    def row(self, index: int) -> dict[str, Any]:
        return {name: values[index] for name, values in self.columns.items()}


class Table:
    """A file of rows. ``total`` is its length in the unit of ``Batch.position``."""

    unit = "B"

    def __init__(self, path: Path, encoding: str = "utf-8-sig") -> None:
        self.path = path
        self.encoding = encoding
        self.columns: list[str] = []
        self.total = path.stat().st_size

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        """Yield all rows after the first ``skip``."""
        raise NotImplementedError

    def sample(self) -> Batch:
        """Return the first rows, to find out what the columns are."""
        return next(self.batches(size=SAMPLE), Batch([], {name: [] for name in self.columns}, 0))

    def head(self, n: int = 50) -> list[str]:
        """Return the first lines with anything in them."""
        with self._lines() as (text, _raw):
            try:
                return list(islice((line for line in text if line.strip()), n))
            except (OSError, EOFError) as problem:
                raise CannotRead(f"{self.path.name}: {problem}") from None

    def _wrong_encoding(self) -> str:
        name = self.encoding.removesuffix("-sig")
        return _("this is not %(encoding)s: see --encoding") % {"encoding": name}

    @contextmanager
    def _lines(self) -> Iterator[tuple[IO[str], IO[bytes]]]:
        """Open as text, and the file below it, which knows how far it was read."""
        with self.path.open("rb") as raw:
            data = gzip.GzipFile(fileobj=raw) if self.path.suffix == ".gz" else raw
            # Bytes that are no text reach the row they are in, and only that row is refused.
            yield (
                io.TextIOWrapper(
                    data,
                    encoding=self.encoding,
                    errors="surrogateescape",
                    newline="",
                ),
                raw,
            )


def not_decoded(text: str) -> bool:
    """Return whether bytes are left in a text that the encoding could not read."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
