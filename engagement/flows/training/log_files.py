"""Which file of past events is meant, what its columns are, and how its rows become a log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from engagement.flows.importing.formats import FORMATS, LISTS, SESSIONS, open_table
from engagement.flows.importing.list_table import (
    ITEMS,
    ROW,
    ListTable,
    is_header,
    is_number,
    words_of,
)
from engagement.flows.importing.mapping import (
    FIELDS,
    ONLINE_RETAIL,
    BadPlan,
    guess,
    guess_date_format,
    plain,
)
from engagement.flows.importing.tables import Table

# What an evaluation may want to know beside what an import does.
MORE_FIELDS: dict[str, tuple[str, ...]] = {
    "visitor": ("uid", "u", "userkey", "person", "buyer", "row"),
    "item": (
        "iid",
        "i",
        "itemkey",
        "movieid",
        "trackid",
        "songid",
        "bookid",
        "artistid",
        "venueid",
    ),
    "rating": ("rating", "stars", "score", "weight", "plays", "count"),
    "items": ("items", "itemids", "itemsequence", "sequence", "history"),
    "prefix": ("prefix", "inputs", "input"),
    "target": ("target", "nextitem", "next", "label", "answer"),
}
KNOWN = tuple(dict.fromkeys((*FIELDS, *MORE_FIELDS)))
# A number beyond this counts seconds since 1970 rather than stars or pieces.
MOMENTS_FROM = 100_000_000


@dataclass(frozen=True, slots=True)
class Source:
    """
    A table, and which of its columns is what.

    ``columns`` maps our words to the table's columns. Rows whose ``rating`` is below
    ``min_rating``, or whose ``event`` is none of ``events``, are left out.
    """

    table: Table
    columns: Mapping[str, str]
    guessed: bool = False
    date_format: str = ""
    timezone: tzinfo = UTC
    min_rating: float | None = None
    events: Sequence[str] = ()
    item_pattern: re.Pattern[str] | None = None
    refund_pattern: re.Pattern[str] | None = None
    keep_free: bool = False
    row: str = field(default="visitor")

    @property
    def is_pairs(self) -> bool:
        return "prefix" in self.columns

    @property
    def has_moments(self) -> bool:
        return "at" in self.columns

    def describe(self) -> str:
        words = [f"{what}={column}" for what, column in self.columns.items()]
        return f"{self.table.path.name}: --map {' '.join(words)}"


def open_log(
    path: Path,
    *,
    told: Mapping[str, str] | None = None,
    by_session: bool = False,
    format_name: str = "",
    encoding: str = "",
    delimiter: str = "",
    header: bool | None = None,
    **options: Any,
) -> Source:
    """
    Open a file of events, of lists or of questions, and find out what its columns are.

    ``header``: whether the first line names the columns; None looks. ``by_session``: rows are
    sessions where the file knows them. Raises CannotRead or BadPlan with what would help.
    """
    table = _open(path, format_name, encoding, delimiter, header, told)
    sample = table.sample()
    if isinstance(table, ListTable):
        columns = {"items": ITEMS} | ({"visitor": ROW} if table.keyed else {})
    elif told:
        columns = _checked(told, table.columns)
    elif table.columns == [str(place) for place in range(1, len(table.columns) + 1)]:
        columns = by_place(sample.columns, path.name)
    else:
        columns = guess_columns(table.columns)
    row = _row_of(columns, by_session=by_session)
    _check_complete(columns, row, table)
    if options.get("events") and "event" not in columns:
        raise BadPlan("--event chooses among rows: say --map event=COLUMN.")
    if options.get("min_rating") is not None and "rating" not in columns:
        raise BadPlan("--min-rating needs --map rating=COLUMN.")
    date_format = options.pop("date_format", "") or (
        guess_date_format(sample.columns[columns["at"]]) if "at" in columns else ""
    )
    is_retail = {plain(name) for name in table.columns} >= ONLINE_RETAIL
    return Source(
        table,
        columns,
        guessed=not told,
        date_format=date_format,
        item_pattern=_pattern(options.pop("item_pattern", "")),
        refund_pattern=_pattern(options.pop("refund_pattern", "") or ("^C" if is_retail else "")),
        row=row,
        **options,
    )


def _open(
    path: Path,
    format_name: str,
    encoding: str,
    delimiter: str,
    header: bool | None,
    told: Mapping[str, str] | None,
) -> Table:
    inner = path.with_suffix("") if path.suffix == ".gz" else path
    ending = FORMATS.get(inner.suffix.lower(), "")
    # A name that ends in .csv or .txt says little about how a log is laid out.
    known = format_name or (ending if ending != "csv" else "")
    if known in ("jsonl", "parquet", LISTS, SESSIONS):
        return open_table(path, format_name=known, encoding=encoding, delimiter=delimiter)
    how: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter}
    # Opened as lists, any text shows its lines; an empty file is refused here.
    lists = open_table(path, format_name=LISTS, **how)
    lines = lists.head()
    spaced = not delimiter and not any(mark in "".join(lines[:2]) for mark in (*",;\t|", "::"))
    if not known and _are_lists(lines, delimiter, spaced=spaced):
        return lists
    if spaced and format_name != "csv":
        how["delimiter"] = " "
    table = open_table(path, format_name="csv", header=header is not False, **how)
    if header is None and not _has_header(table, told):
        table = open_table(path, format_name="csv", header=False, **how)
    return table


def _are_lists(lines: Sequence[str], delimiter: str, *, spaced: bool) -> bool:
    """Return whether lines of one user each are meant: they differ in length, or are too long."""
    words = [words_of(line, delimiter) for line in lines]
    if is_header(*words[:2]):
        words = words[1:]
    numbers = all(is_number(word) for line in words for word in line)
    if not (spaced or numbers):
        # Text between commas holds spaces; that its lines differ in words says nothing.
        return False
    widths = {len(line) for line in words}
    if len(widths) > 1 or not spaced or max(widths) > 4:
        return len(widths) > 1 or spaced
    # As many words on every line: user, item, rating and moment, or a few items of everybody.
    return (
        numbers
        and spaced
        and max(widths) > 2
        and not any(_are_moments(column) for column in list(zip(*words, strict=True))[2:])
    )


def _has_header(table: Table, told: Mapping[str, str] | None) -> bool:
    """Return whether the first line, by which the columns are called now, holds names."""
    if told:
        return not all(name.isdigit() for name in told.values())
    known = guess_columns(table.columns).keys() & {"item", "items", "target"}
    return bool(known) or not any(map(is_number, table.columns))


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return columns by what they are called; ``user_id:token`` is called ``user_id``."""
    by_name = {name.partition(":")[0]: name for name in columns}
    found = {what: by_name[name] for what, name in guess(by_name).items()}
    by_plain = {plain(name): column for name, column in by_name.items()}
    for what, names in MORE_FIELDS.items():
        taken = set(found.values())
        free = [by_plain[name] for name in names if by_plain.get(name, "") not in ("", *taken)]
        if what not in found and free:
            found[what] = free[0]
    if "prefix" in found and "target" in found:
        return {what: found[what] for what in ("prefix", "target")}
    return found


def by_place(sample: Mapping[str, Sequence[Any]], name: str) -> dict[str, str]:
    """Return what the columns of a file without a header are: user, item, then rating or moment."""
    n = len(sample)
    if n < 2 or n > 4:
        raise BadPlan(
            f"{name} has no header and {n} column(s): say which is what, such as "
            "--map visitor=1 item=2 at=3, or --format lists."
        )
    found = {"visitor": "1", "item": "2"}
    for place in range(3, n + 1):
        what = "at" if _are_moments(sample[str(place)]) else "rating"
        if what not in found:
            found[what] = str(place)
    return found


def _are_moments(values: Sequence[Any]) -> bool:
    told = [str(value) for value in values if str(value or "").strip()]
    if not told:
        return False
    try:
        return min(map(float, told)) >= MOMENTS_FROM
    except ValueError:
        return any(char.isdigit() for char in told[0])


def _row_of(columns: Mapping[str, str], *, by_session: bool) -> str:
    names = ("visitor", "anonymous", "session", "order")
    if by_session:
        names = ("session", "visitor", "anonymous", "order")
    return next((name for name in names if name in columns), "")


def _check_complete(columns: Mapping[str, str], row: str, table: Table) -> None:
    if "prefix" in columns or "target" in columns:
        missing = [what for what in ("prefix", "target") if what not in columns]
    elif "items" in columns:
        missing = []
    else:
        missing = ["item"] if "item" not in columns else []
        missing += ["visitor"] if not row else []
    if missing:
        what = " ".join(f"{name}=…" for name in missing)
        raise BadPlan(
            f"{table.path.name}: say which column is what: --map {what}. "
            f"The file has {', '.join(table.columns)}; if that is no header, --header no."
        )


def _checked(told: Mapping[str, str], columns: Sequence[str]) -> dict[str, str]:
    for what, column in told.items():
        if what not in KNOWN:
            raise BadPlan(f"--map {what}={column}: known are {', '.join(KNOWN)}.")
        if column not in columns:
            raise BadPlan(f"--map {what}={column}: the file has {', '.join(columns)}.")
    return dict(told)


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as problem:
        raise BadPlan(f"{text}: {problem}") from None
