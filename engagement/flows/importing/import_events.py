"""Events from a file: as a stream, each row once, and every refused row with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import router, transaction

from engagement.flows.collecting import ingest
from engagement.flows.collecting.values import Refused
from engagement.flows.importing import bulk
from engagement.flows.importing.import_files import (
    Checkpoint,
    Progress,
    RefusedRows,
    counted,
    fingerprint,
    folder_for,
)
from engagement.flows.importing.import_rows import read_rows
from engagement.flows.importing.mapping import Plan
from engagement.flows.importing.store_rows import Stored, store_rows
from engagement.flows.importing.tables import Batch, Table
from engagement.flows.training import cleaning
from engagement.models import Event


@dataclass(frozen=True, slots=True)
class ImportReport:
    """
    What became of a file: ``read`` = ``accepted`` + ``duplicates`` + all ``reasons``.

    A duplicate was stored before, by an earlier run or earlier in this file. ``passed`` rows of
    those read were dealt with by a run that was interrupted.
    """

    read: int
    accepted: int
    duplicates: int
    reasons: dict[str, int]
    rejected_path: Path | None
    passed: int = 0

    @property
    def rejected(self) -> int:
        return sum(self.reasons.values())


def import_events(
    table: Table,
    plan: Plan | None,
    *,
    channel: str,
    at: datetime,
    rejected_path: Path | None = None,
    dry_run: bool = False,
    resume: bool = True,
    progress: Callable[[int, Checkpoint], object] | None = None,
) -> ImportReport:
    """
    Store the rows of a file as events, batch by batch.

    Without a plan every row (of JSON) is an event as the API takes it. A dry run does everything
    and takes it back; it cannot see doubles that are far apart in the file. An import that was
    interrupted goes on where it was unless ``resume`` is off. ``progress`` hears the position in
    the file and the counts after each batch.
    """
    folder = rejected_path.parent if rejected_path else folder_for(table.path)
    rejected_path = rejected_path or folder / f"{table.path.name}.rejected.csv"
    journal = Progress(
        folder / f"{table.path.name}.progress.json",
        fingerprint(table, channel, plan, str(rejected_path)),
    )
    state = journal.load() if resume and not dry_run else Checkpoint()
    passed = state.rows
    refused_rows = RefusedRows(rejected_path, table.columns, resume_at=state.refused_bytes)
    with bulk.room_for_indexes():
        for batch in table.batches(skip=state.rows):
            stored = _import_batch(batch, plan, channel, at, dry_run=dry_run)
            refused_rows.write(batch, stored.refused)
            state = counted(
                state,
                rows=len(batch),
                accepted=stored.new,
                duplicates=len(batch) - stored.new - len(stored.refused),
                reasons=Counter(why.code for why in stored.refused.values()),
                refused_bytes=refused_rows.size,
                last_key=stored.last_key or state.last_key,
            )
            if not dry_run:
                journal.save(state)
            if progress is not None:
                progress(batch.position, state)
    journal.forget()
    return ImportReport(
        read=state.rows,
        accepted=state.accepted,
        duplicates=state.duplicates,
        reasons=dict(sorted(state.reasons.items(), key=lambda one: (-one[1], one[0]))),
        rejected_path=rejected_path if refused_rows.size else None,
        passed=passed,
    )


def _import_batch(
    batch: Batch, plan: Plan | None, channel: str, at: datetime, *, dry_run: bool
) -> Stored:
    """Store one batch, all or nothing."""
    with transaction.atomic(using=router.db_for_write(Event)):
        if plan is None:
            stored = _ingest(batch, channel, at)
        else:
            rows = read_rows(batch, plan)
            refused = cleaning.judge(rows, cleaning.Context(plan, at))
            stored = store_rows(rows, refused, channel=channel, at=at)
        if dry_run:
            transaction.set_rollback(True, using=router.db_for_write(Event))
    return stored


def _ingest(batch: Batch, channel: str, at: datetime) -> Stored:
    refused = {index: Refused("unreadable", "", why) for index, why in batch.broken.items()}
    places = [index for index in range(len(batch)) if index not in refused]
    report = ingest.ingest(
        [batch.records[index] for index in places],
        channel=channel,
        person=None,
        at=at,
        trusted=True,
    )
    for one in report.rejected:
        refused[places[one.index]] = Refused(one.code, one.field, one.message)
    return Stored(report.accepted, refused)
