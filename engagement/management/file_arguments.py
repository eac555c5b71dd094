"""What every command that reads a table of a shop's own asks about the file."""

from __future__ import annotations

import zoneinfo
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from django.utils import timezone

from engagement.flows.importing.formats import open_table
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.importing.tables import Table


class _Arguments(Protocol):
    """A parser, or a group of one."""

    def add_argument(self, *names: str, **told: Any) -> Any: ...


def add_columns(parser: _Arguments, fields: Iterable[str], more: str = "") -> None:
    """Let it be said which column is what."""
    parser.add_argument(
        "--map",
        nargs="+",
        action="extend",
        default=[],
        metavar="WHAT=COLUMN",
        help=f"which column is what; guessed where names are well known{more}. WHAT is one of "
        + ", ".join(fields),
    )


def add_reading(
    parser: _Arguments, *, formats: Sequence[str] = ("csv", "jsonl", "parquet"), more: str = ""
) -> None:
    """Let it be said how a file is written: format, encoding, moments."""
    parser.add_argument("--format", choices=formats, default="", help=more or None)
    parser.add_argument("--delimiter", default="", help="of CSV; found out by itself")
    parser.add_argument("--encoding", default="", help="utf-8 unless given; such as gb18030")
    parser.add_argument(
        "--timezone", help="of moments that name none (default: the site's TIME_ZONE)"
    )
    parser.add_argument(
        "--date-format", default="", help="as in strptime, for ambiguous dates: %%d/%%m/%%Y"
    )
    parser.add_argument("--rejected", type=Path, help="where refused rows go")


def add_import(parser: ArgumentParser) -> None:
    """Add what holds for every import: whose it is, and whether it is only a rehearsal."""
    parser.add_argument("--channel", help="the shop, where one database serves several")
    parser.add_argument("--dry-run", action="store_true", help="store nothing, only report")
    parser.add_argument("--progress", action="store_true", help="show progress in any case")


def opened(file: Path, options: dict[str, Any]) -> Table:
    """Return the table in ``file``; raises CannotRead."""
    return open_table(
        file,
        format_name=options["format"],
        encoding=options["encoding"],
        delimiter=options["delimiter"],
    )


def zone_of(options: dict[str, Any]) -> zoneinfo.ZoneInfo:
    """Return the zone of moments that name none; raises BadPlan for one that does not exist."""
    try:
        return zoneinfo.ZoneInfo(options["timezone"] or timezone.get_default_timezone_name())
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise BadPlan(f"There is no time zone {options['timezone']}.") from None


def pairs(words: Sequence[str], option: str, takes: str = "WHAT=COLUMN") -> dict[str, str]:
    """Return ``a=b c=d`` as a mapping; raises BadPlan for what is no pair."""
    told = {}
    for word in words:
        left, equals, right = word.partition("=")
        if not (left and equals and right):
            raise BadPlan(f"{option} takes {takes}, not {word!r}.")
        told[left] = right
    return told
