"""Reading CSV, with any delimiter, as a stream."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from engagement.flows.importing.tables import BATCH, Batch, CannotRead, Table, not_decoded

DELIMITERS = ",;\t|"
# A row of text longer than this is a file whose quotes do not match.
MAX_FIELD = 1_000_000
SEPARATOR = "\x1f"


class CsvTable(Table):
    """Without a ``header`` the columns are called 1, 2, 3 …"""

    def __init__(
        self, path: Path, encoding: str, delimiter: str = "", *, header: bool = True
    ) -> None:
        super().__init__(path, encoding)
        csv.field_size_limit(MAX_FIELD)
        head = self.head(20)
        self.delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) or sniff(head)
        self.has_header = header
        first: list[str] = next(self._reader(head), [])
        self.columns = [
            name.strip() if header else str(place) for place, name in enumerate(first, 1)
        ]
        if not any(self.columns):
            raise CannotRead(_("%(name)s has no header line.") % {"name": path.name})
        twice = {name for name in self.columns if self.columns.count(name) > 1}
        if twice:
            raise CannotRead(
                _("%(name)s has several columns called %(columns)s.")
                % {"name": path.name, "columns": ", ".join(sorted(twice))}
            )

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        with self._lines() as (text, raw):
            rows = self._rows(text)
            for _row in islice(rows, skip):
                pass
            while chunk := list(islice(rows, size)):
                lines, cells, problems = zip(*chunk, strict=True)
                yield Batch(
                    lines=lines,
                    columns=dict(zip(self.columns, zip(*cells, strict=True), strict=True)),
                    position=raw.tell(),
                    broken={index: why for index, why in enumerate(problems) if why},
                )

    def _reader(self, lines: Iterable[str]) -> Any:
        if len(self.delimiter) > 1:
            # The csv module takes one character; no text holds this one.
            return csv.reader(
                (line.replace(self.delimiter, SEPARATOR) for line in lines), delimiter=SEPARATOR
            )
        return csv.reader(lines, delimiter=self.delimiter)

    def _rows(self, text: IO[str]) -> Iterator[tuple[int, list[str], str]]:
        """Yield line number, cells and what is wrong. Blank lines are no rows."""
        reader = self._reader(text)
        width = len(self.columns)
        is_header = self.has_header
        while True:
            line = reader.line_num + 1
            why = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                cells, why = [], str(problem)
            if not cells and not why:
                continue
            if is_header:
                is_header = False
                continue
            if len(cells) != width:
                why = why or _("%(n)d cells instead of %(width)d") % {
                    "n": len(cells),
                    "width": width,
                }
                cells = [*cells[:width], *[""] * (width - len(cells))]
            elif not_decoded("".join(cells)):
                why = self._wrong_encoding()
            yield line, cells, why


def sniff(head: Sequence[str]) -> str:
    """Return the delimiter by which the first lines fall into equally many, and most, cells."""
    if head and all("::" in line for line in head):
        return "::"
    best, most = ",", 1
    for delimiter in DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(head, delimiter=delimiter) if row]
        except csv.Error:
            continue
        # The last row of the head may go on below it.
        alike = len(set(widths[:-1] or widths)) == 1
        if widths and alike and widths[0] > most:
            best, most = delimiter, widths[0]
    if most > 1 or not head:
        return best
    return max(DELIMITERS, key=lambda delimiter: head[0].count(delimiter))
