"""Which reader a file needs."""

from __future__ import annotations

from pathlib import Path

from django.utils.translation import gettext as _

from engagement.flows.csv_table import CsvTable
from engagement.flows.json_table import JsonTable
from engagement.flows.parquet_table import ParquetTable
from engagement.flows.tables import CannotRead, Table

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
