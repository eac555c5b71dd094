"""Reading CSV, JSON lines and Parquet as a stream of batches, however large the file is."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

BATCH = 10_000
SAMPLE = 1_000
DELIMITERS = ",;\t|"
FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# A row of text longer than this is a file whose quotes do not match.
MAX_FIELD = 1_000_000


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


def open_table(
    path: Path, *, format_name: str = "", encoding: str = "", delimiter: str = ""
) -> Table:
    """Return the table in a file; its format is told by the name's ending unless it is given."""
    if not path.is_file():
        raise CannotRead(_("There is no file %(path)s.") % {"path": path})
    if encoding:
        try:
            "".encode(encoding)
        except LookupError:
            raise CannotRead(_("There is no encoding %(name)s.") % {"name": encoding}) from None
    inner = path.with_suffix("") if path.suffix == ".gz" else path
    format_name = format_name or FORMATS.get(inner.suffix.lower(), "")
    # UTF-8 with and without a byte order mark.
    encoding = "utf-8-sig" if encoding.lower() in ("", "utf-8", "utf8") else encoding
    match format_name:
        case "csv":
            return CsvTable(path, encoding, delimiter)
        case "jsonl":
            return JsonTable(path, encoding)
        case "parquet":
            return ParquetTable(path)
    raise CannotRead(
        _("%(name)s: say with --format whether this is csv, jsonl or parquet.")
        % {"name": path.name}
    )


class CsvTable(Table):
    def __init__(self, path: Path, encoding: str, delimiter: str = "") -> None:
        super().__init__(path, encoding)
        csv.field_size_limit(MAX_FIELD)
        with self._lines() as (text, _raw):
            try:
                head = list(islice(text, 20))
            except (OSError, EOFError) as problem:
                raise CannotRead(f"{path.name}: {problem}") from None
        self.delimiter = {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter) or sniff(head)
        header = next(csv.reader(head, delimiter=self.delimiter), [])
        self.columns = [name.strip() for name in header]
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

    def _rows(self, text: IO[str]) -> Iterator[tuple[int, list[str], str]]:
        """Yield line number, cells and what is wrong. Blank lines are no rows."""
        reader = csv.reader(text, delimiter=self.delimiter)
        width = len(self.columns)
        is_header = True
        while True:
            line = reader.line_num + 1
            why = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as problem:
                cells, why = [], str(problem)
            if is_header:
                is_header = False
                continue
            if not cells and not why:
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


class JsonTable(Table):
    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__(path, encoding)
        names: dict[str, None] = {}
        for record in self.sample().records:
            names.update(dict.fromkeys(flat_names(record)))
        self.columns = list(names)

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        with self._lines() as (text, raw):
            numbered = ((number, line) for number, line in enumerate(text, 1) if line.strip())
            for _row in islice(numbered, skip):
                pass
            while chunk := list(islice(numbered, size)):
                records, broken = [], {}
                for index, (_number, line) in enumerate(chunk):
                    record, why = self._record(line)
                    records.append(record)
                    if why:
                        broken[index] = why
                yield Batch(
                    lines=[number for number, _line in chunk],
                    columns={
                        name: [follow(record, name) for record in records] for name in self.columns
                    },
                    position=raw.tell(),
                    broken=broken,
                    records=records,
                )

    def _record(self, line: str) -> tuple[dict[str, Any], str]:
        if not_decoded(line):
            return {}, self._wrong_encoding()
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as problem:
            return {}, str(problem)
        if not isinstance(record, dict):
            return {}, _("every line must be an object")
        return record, ""


class ParquetTable(Table):
    unit = "rows"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            from pyarrow import ArrowException, parquet
        except ImportError:
            raise CannotRead(
                _("Parquet needs pyarrow: pip install 'django-engagement[parquet]'.")
            ) from None
        try:
            self.file = parquet.ParquetFile(path, memory_map=True)
        except (ArrowException, OSError) as problem:
            raise CannotRead(f"{path.name}: {problem}") from None
        self.columns = list(self.file.schema_arrow.names)
        self.total = self.file.metadata.num_rows

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        done = 0
        groups = list(range(self.file.num_row_groups))
        # Whole row groups that were read before need not be decoded again.
        while groups and skip >= (rows := self.file.metadata.row_group(groups[0]).num_rows):
            skip -= rows
            done += rows
            groups.pop(0)
        if not groups:
            return
        for batch in self.file.iter_batches(batch_size=size, row_groups=groups):
            if skip:
                passed = min(skip, batch.num_rows)
                skip -= passed
                done += passed
                batch = batch.slice(passed)
            if not batch.num_rows:
                continue
            lines = range(done + 1, done + batch.num_rows + 1)
            done += batch.num_rows
            yield Batch(
                lines=lines,
                columns={
                    name: column.to_pylist()
                    for name, column in zip(self.columns, batch.columns, strict=True)
                },
                position=done,
            )


def sniff(head: Sequence[str]) -> str:
    """Return the delimiter by which the first lines fall into equally many, and most, cells."""
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


def not_decoded(text: str) -> bool:
    """Return whether bytes are left in a text that the encoding could not read."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def flat_names(record: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """Yield the names in an object, with dots into objects below it."""
    for name, value in record.items():
        if isinstance(value, dict) and value:
            yield from flat_names(value, f"{before}{name}.")
        else:
            yield before + name


def follow(record: Any, path: str) -> Any:
    """Return what is at ``path``, where dots go into objects; None where there is nothing."""
    if path in record:
        return record[path]
    for name in path.split("."):
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record
