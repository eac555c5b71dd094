"""What an import leaves beside its work: the refused rows, and how far it has come."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db import connections, router

from engagement.flows.collecting.values import Refused
from engagement.flows.importing.tables import Batch, Table
from engagement.models import Event

LEAD = ("line", "reason", "field", "message")


class RefusedRows:
    """
    A CSV file of the rows that were refused: where, why, and what stood there.

    It comes into being with the first row; a run that refuses nothing leaves none behind.
    """

    def __init__(self, path: Path, columns: list[str], *, resume_at: int = 0) -> None:
        self.path = path
        self.columns = columns
        # What was written after the last checkpoint will be written again.
        self.size = resume_at
        if resume_at and path.is_file():
            os.truncate(path, resume_at)
        else:
            path.unlink(missing_ok=True)

    def write(self, batch: Batch, refused: Mapping[int, Refused]) -> None:
        if not refused:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self.size:
            writer.writerow([*LEAD, *self.columns])
        for index in sorted(refused):
            why, row = refused[index], batch.row(index)
            cells = [_cell(row.get(name)) for name in self.columns]
            writer.writerow([batch.lines[index], why.code, why.field, why.message, *cells])
        # Bytes that the encoding could not read are written as \udc…, so that this file is UTF-8.
        data = text.getvalue().encode("utf-8", "backslashreplace")
        with self.path.open("ab") as file:
            file.write(data)
        self.size += len(data)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    # A spreadsheet would run what begins like this; a minus or plus before a number is none.
    return f"'{text}" if text[:1] in ("=", "@") else text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far an import has come, and what it has counted so far."""

    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused_bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    # The last event that was stored: a database that does not hold it is not the same one.
    last_key: str = ""


class Progress:
    """
    A small file from which an import that was interrupted goes on.

    Without it, or with one of another file, other options or another database, an import starts
    at the beginning; since every row has its key, that costs time and nothing else.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint

    def load(self) -> Checkpoint:
        try:
            stored = json.loads(self.path.read_text())
            if stored.pop("fingerprint") != self.fingerprint:
                return Checkpoint()
            checkpoint = Checkpoint(**stored)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return Checkpoint()
        if checkpoint.last_key and not Event.objects.filter(key=checkpoint.last_key).exists():
            return Checkpoint()
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        text = json.dumps({"fingerprint": self.fingerprint, **asdict(checkpoint)})
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(text)
        beside.replace(self.path)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)


def fingerprint(table: Table, *options: object) -> str:
    """Return what has to be the same for an import to go on where it was."""
    found = table.path.stat()
    place = connections[router.db_for_write(Event)].settings_dict
    parts = (
        str(table.path.resolve()),
        found.st_size,
        found.st_mtime_ns,
        *(str(place.get(name, "")) for name in ("ENGINE", "HOST", "PORT", "NAME")),
        *options,
    )
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def folder_for(path: Path) -> Path:
    """
    Return where the files of an import go: beside the file, or here where that is read-only.

    A folder that nobody may write to by its mode is left alone by root too, who could.
    """
    folder = path.parent
    if not folder.stat().st_mode & 0o222:
        return Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path.cwd()


def counted(checkpoint: Checkpoint, **more: Any) -> Checkpoint:
    """Return a checkpoint with numbers added to its own and reasons to its reasons."""
    reasons = dict(checkpoint.reasons)
    for reason, n in more.pop("reasons", {}).items():
        reasons[reason] = reasons.get(reason, 0) + n
    sums = {
        name: getattr(checkpoint, name) + more.pop(name)
        for name in ("rows", "accepted", "duplicates")
    }
    return replace(checkpoint, reasons=reasons, **sums, **more)
