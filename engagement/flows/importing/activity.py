"""What the shop itself has noted down of its customers, before the app began to listen."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db import router, transaction
from django.db.models import F, Min
from django.utils.translation import gettext as _

from engagement.adapters import ActivityData, get_adapter
from engagement.conf import app_settings
from engagement.flows.collecting.identity import customer_key
from engagement.flows.collecting.storing import event_key
from engagement.flows.collecting.values import Refused, read_text, read_words
from engagement.flows.importing.import_rows import Rows, aware, blank_rows
from engagement.flows.importing.mapping import Plan
from engagement.flows.importing.store_rows import store_rows
from engagement.flows.training import cleaning
from engagement.models import Event, EventName, Visitor

BATCH = 5_000
# What is stored so soon after it happened was not taken over from anywhere.
LIVE = timedelta(minutes=10)


@dataclass(slots=True)
class ActivityReport:
    """
    What became of the notes: ``read`` = ``later`` + ``accepted`` + ``duplicates`` + ``reasons``.

    ``later`` are those of what the app has heard itself.
    """

    read: int = 0
    later: int = 0
    accepted: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def take_over(
    *,
    channel: str,
    at: datetime,
    since: datetime | None = None,
    progress: Callable[[int], object] | None = None,
) -> ActivityReport:
    """
    Store what the adapter tells of (``iter_activity``) as events; again, only what is new.

    Of each kind, what happened since the app itself hears of it is passed over. Where visitors
    must agree first, only the notes about those who have agreed are taken.
    """
    report = ActivityReport()
    began = _began(channel)
    batch: list[ActivityData] = []
    for note in get_adapter().iter_activity(since):
        report.read += 1
        if progress is not None:
            progress(1)
        start = began.get(note.event)
        if start is not None and aware(note.at) >= start:
            report.later += 1
            continue
        batch.append(note)
        if len(batch) >= BATCH:
            _store(batch, channel, at, report)
            batch = []
    _store(batch, channel, at, report)
    return report


def _began(channel: str) -> dict[str, datetime]:
    """Return when the app first heard of each kind of event as it happened."""
    live = Event.objects.filter(channel=channel, recorded_at__lte=F("event_time") + LIVE)
    rows = live.order_by().values("event").annotate(first=Min("event_time"))
    return {EventName(row["event"]).code: row["first"] for row in rows}


def _store(
    notes: Sequence[ActivityData], channel: str, at: datetime, report: ActivityReport
) -> None:
    if not notes:
        return

    def keys_of(
        rows: Rows, places: Sequence[int], people: Sequence[str], channel: str
    ) -> list[uuid.UUID]:
        return [
            event_key(channel, "activity", notes[place].event, notes[place].ref) for place in places
        ]

    with transaction.atomic(using=router.db_for_write(Event)):
        rows = _rows(notes, channel)
        refused = cleaning.judge(rows, cleaning.Context(Plan(columns={}), at))
        stored = store_rows(
            rows, refused, channel=channel, at=at, keys_of=keys_of, items_are_active=False
        )
    report.accepted += stored.new
    report.duplicates += len(notes) - stored.new - len(stored.refused)
    report.reasons.update(why.code for why in stored.refused.values())


def _rows(notes: Sequence[ActivityData], channel: str) -> Rows:
    refused = _unwilling(notes, channel)
    events = np.zeros(len(notes), dtype=np.int64)
    items, variants, queries = ([""] * len(notes) for _column in range(3))
    for place, note in enumerate(notes):
        try:
            events[place] = EventName.from_code(note.event)
            items[place] = read_text("item_key", note.item_key, 128)
            variants[place] = read_text("variant_id", note.variant_id, 64)
            queries[place] = read_words("query", note.query[:200], length=200)
        except KeyError:
            # The rule for rows without an event speaks of it.
            continue
        except Refused as why:
            refused[place] = why
    return blank_rows(
        len(notes),
        refused=refused,
        events=events,
        items=items,
        variants=variants,
        queries=queries,
        moments=[aware(note.at) for note in notes],
        customers=[note.customer for note in notes],
    )


def _unwilling(notes: Sequence[ActivityData], channel: str) -> dict[int, Refused]:
    """Return the notes about people who have not agreed, where they must agree first."""
    if app_settings.CONSENT != "opt_in":
        return {}
    keys = {note.customer: customer_key(note.customer, channel) for note in notes}
    wanted = list(keys.values())
    agreed: set[str] = set()
    for start in range(0, len(wanted), 900):
        rows = Visitor.objects.filter(channel=channel, key__in=wanted[start : start + 900])
        agreed.update(rows.filter(consent=True).values_list("key", flat=True))
    why = Refused("no_consent", "customer", _("The visitor has not agreed."))
    return {place: why for place, note in enumerate(notes) if keys[note.customer] not in agreed}
