"""What the shop already knows, on the first day: its catalogue, its past orders, its notes."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
from django.db import router, transaction
from django.utils.translation import gettext as _

from engagement.adapters import LineData, OrderData, get_adapter
from engagement.conf import app_settings
from engagement.flows.collecting.storing import order_key
from engagement.flows.collecting.values import Refused
from engagement.flows.importing import bulk, catalogue
from engagement.flows.importing.activity import ActivityReport, take_over
from engagement.flows.importing.import_rows import CENT, Rows, aware, blank_rows
from engagement.flows.importing.mapping import Plan
from engagement.flows.importing.store_rows import store_rows
from engagement.flows.training import cleaning
from engagement.models import Event, EventName

# Lines that are stored together.
BATCH = 5_000


@dataclass(slots=True)
class BackfillReport:
    """
    What was found: ``lines`` = ``accepted`` + ``duplicates`` + all ``reasons``.

    Lines of test orders and of cancelled ones whose purchase was never recorded are no lines.
    """

    items: catalogue.SyncReport = field(default_factory=catalogue.SyncReport)
    orders: int = 0
    test_orders: int = 0
    cancelled_orders: int = 0
    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    activity: ActivityReport = field(default_factory=ActivityReport)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line that becomes an event, and the key that it would have as one of either kind."""

    order: OrderData
    line: LineData
    event: EventName
    nth: int

    def key(self, channel: str, event: EventName) -> uuid.UUID:
        return order_key(
            channel,
            event.code,
            self.order.order_ref,
            self.line.item_key,
            variant_id=self.line.variant_id,
            nth=self.nth,
        )


def backfill(
    *,
    channel: str,
    at: datetime,
    since: datetime | None = None,
    progress: Callable[[str, int], object] | None = None,
) -> BackfillReport:
    """
    Mirror the catalogue, store the shop's orders since ``since`` as purchases, and what it has
    noted down of its customers (:mod:`engagement.flows.importing.activity`).

    Purchases have the keys that live ones have: what was recorded already, by a receiver or by an
    earlier run, is not stored again. Test orders are left out. A cancelled order is left out too,
    or refunded where its purchase had been recorded. ``progress`` hears ("items", "orders" or
    "activity", how many more).
    """

    def tell(what: str, n: int) -> None:
        if progress is not None:
            progress(what, n)

    report = BackfillReport()
    report.items = catalogue.sync_items(channel=channel, at=at, progress=lambda n: tell("items", n))
    entries: list[_Entry] = []
    with bulk.room_for_indexes():
        for order in get_adapter().iter_orders(since):
            entries.extend(_entries(order, report))
            tell("orders", 1)
            if len(entries) >= BATCH:
                _store(entries, channel, at, report)
                entries.clear()
        _store(entries, channel, at, report)
        report.activity = take_over(
            channel=channel, at=at, since=since, progress=lambda n: tell("activity", n)
        )
    return report


def _entries(order: OrderData, report: BackfillReport) -> Iterator[_Entry]:
    report.orders += 1
    if order.is_test:
        report.test_orders += 1
        return
    report.cancelled_orders += order.is_cancelled
    seen: Counter[tuple[str, str]] = Counter()
    for line in order.lines:
        event = EventName.REFUND if order.is_cancelled else EventName.PURCHASE
        yield _Entry(order, line, event, seen[line.item_key, line.variant_id])
        seen[line.item_key, line.variant_id] += 1


def _store(entries: Sequence[_Entry], channel: str, at: datetime, report: BackfillReport) -> None:
    entries = list(_without_unknown_refunds(entries, channel))
    if not entries:
        return
    with transaction.atomic(using=router.db_for_write(Event)):
        rows = _rows(entries)
        # A shop's own free gifts are real ones.
        context = cleaning.Context(Plan(columns={}, keep_free=True), at)
        stored = store_rows(
            rows,
            cleaning.judge(rows, context),
            channel=channel,
            at=at,
            keys_of=lambda rows, places, people, channel: [
                entries[place].key(channel, entries[place].event) for place in places
            ],
            # The catalogue was mirrored just now: what is not in it is no longer sold.
            items_are_active=False,
        )
    report.lines += len(entries)
    report.accepted += stored.new
    report.duplicates += len(entries) - stored.new - len(stored.refused)
    report.reasons.update(why.code for why in stored.refused.values())


def _without_unknown_refunds(entries: Sequence[_Entry], channel: str) -> Iterator[_Entry]:
    """Leave out refunds of what was never recorded as bought, or was taken back already."""
    refunds = [entry for entry in entries if entry.event is EventName.REFUND]
    wanted = [entry.key(channel, EventName.PURCHASE) for entry in refunds]
    returned = _returned([entry.order.order_ref for entry in refunds], channel)
    bought: set[uuid.UUID] = set()
    for start in range(0, len(wanted), 900):
        rows = Event.objects.filter(key__in=wanted[start : start + 900])
        bought.update(rows.values_list("key", flat=True))
    for entry in entries:
        line = (entry.order.order_ref, entry.line.item_key, entry.line.variant_id)
        if entry.event is EventName.PURCHASE or (
            entry.key(channel, EventName.PURCHASE) in bought and entry.nth >= returned[line]
        ):
            yield entry


def _returned(order_refs: Sequence[str], channel: str) -> Counter[tuple[str, str, str]]:
    """Return how many lines of an item were taken back, by order, item and variant."""
    found: Counter[tuple[str, str, str]] = Counter()
    refs = list(dict.fromkeys(order_refs))
    for start in range(0, len(refs), 900):
        rows = Event.objects.filter(
            channel=channel, event=EventName.REFUND, order_ref__in=refs[start : start + 900]
        )
        found.update(rows.values_list("order_ref", "item__key", "variant_id"))
    return found


def _rows(entries: Sequence[_Entry]) -> Rows:
    n = len(entries)
    values = [
        None
        if entry.line.value is None
        else Decimal(entry.line.value).quantize(CENT, ROUND_HALF_UP)
        for entry in entries
    ]
    return blank_rows(
        n,
        refused=_unfit(entries),
        events=np.array([int(entry.event) for entry in entries], dtype=np.int64),
        items=[entry.line.item_key for entry in entries],
        variants=[entry.line.variant_id for entry in entries],
        moments=[aware(entry.order.placed_at) for entry in entries],
        quantities=np.array([entry.line.quantity for entry in entries], dtype=np.int64),
        values=values,
        cents=np.array(
            [-1 if value is None else int(value * 100) for value in values], dtype=np.int64
        ),
        currencies=[entry.order.currency or app_settings.CURRENCY for entry in entries],
        orders=[entry.order.order_ref for entry in entries],
        customers=[entry.order.customer for entry in entries],
    )


def _unfit(entries: Sequence[_Entry]) -> dict[int, Refused]:
    """Return the lines whose names are longer than any column of ours."""
    limits = (
        ("order_ref", 64, lambda entry: entry.order.order_ref),
        ("item_key", 128, lambda entry: entry.line.item_key),
        ("variant_id", 64, lambda entry: entry.line.variant_id),
    )
    return {
        index: Refused("too_long", name, _("This is longer than %(n)d characters.") % {"n": limit})
        for name, limit, value in limits
        for index, entry in enumerate(entries)
        if len(value(entry)) > limit
    }
