"""Which reader a file needs."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from engagement.flows.importing.csv_table import CsvTable
from engagement.flows.importing.json_table import JsonTable
from engagement.flows.importing.list_table import ListTable
from engagement.flows.importing.parquet_table import ParquetTable
from engagement.flows.importing.tables import CannotRead, Table

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
LISTS, SESSIONS = "lists", "sessions"


def open_table(
    path: Path,
    *,
    format_name: str = "",
    encoding: str = "",
    delimiter: str = "",
    header: bool = True,
) -> Table:
    """
    Return the table in a file; its format is told by the name's ending unless it is given.

    ``lists`` is a line a user, the items behind it; ``sessions`` a line of items.
    """
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
            return CsvTable(path, encoding, delimiter, header=header)
        case "jsonl":
            return JsonTable(path, encoding)
        case "parquet":
            return ParquetTable(path)
        case "lists" | "sessions":
            return ListTable(path, encoding, delimiter, keyed=format_name == LISTS)
    raise CannotRead(
        _("%(name)s: say with --format whether this is csv, jsonl or parquet.")
        % {"name": path.name}
    )
