"""Reading JSON lines as a stream; columns may lie at any depth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from engagement.flows.importing.tables import BATCH, Batch, Table, not_decoded


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
