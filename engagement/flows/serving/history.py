"""What one visitor did, this session included: read anew for every request, in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    Max,
    Q,
    QuerySet,
    Sum,
    Value,
    When,
    Window,
)
from django.db.models.functions import RowNumber

from engagement.conf import app_settings
from engagement.flows.collecting import visitors
from engagement.flows.collecting.identity import Claim, Person
from engagement.models import Event, EventName
from engagement.prepared import Prepared

_BOUGHT = (EventName.PURCHASE, EventName.REFUND)
# Always read, whatever the weights say: shelves of what was seen and of what was asked away.
_NEEDED = (EventName.VIEW_ITEM, EventName.HIDE_ITEM, *_BOUGHT)
# Asking not to see an item again holds for ever; nobody asks this often.
_MAX_HIDDEN = 2000


class Past(NamedTuple):
    """One event of the visitor, with what a shelf needs to know of its item."""

    event: int
    item_id: int
    key: str
    title: str
    category: str
    group: str
    moment: int
    order_ref: str = ""
    quantity: int = 1


@dataclass(frozen=True, slots=True)
class History:
    """What a visitor did, oldest event first."""

    events: tuple[Past, ...] = ()
    hidden: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.events)

    @property
    def purchases(self) -> tuple[Past, ...]:
        return tuple(past for past in self.events if past.event == EventName.PURCHASE)

    @property
    def bought(self) -> frozenset[str]:
        return frozenset(past.key for past in self.purchases)

    def viewed(self) -> list[Past]:
        """Return the last view of each item, newest first."""
        latest: dict[str, Past] = {}
        for past in reversed(self.events):
            if past.event == EventName.VIEW_ITEM:
                latest.setdefault(past.key, past)
        return list(latest.values())

    def weighted(self, weights: Mapping[str, float]) -> list[tuple[Past, float]]:
        """Return the events that say something about taste, with how much they say."""
        by_number = {EventName.from_code(code).value: value for code, value in weights.items()}
        return [
            (past, by_number[past.event])
            for past in self.events
            if by_number.get(past.event, 0.0) > 0
        ]


NOTHING = History()


class Reading:
    """
    What the database said of a visitor, not yet turned into a :class:`History`.

    A shelf that was filled before needs no more than :attr:`signature` to be found again.
    """

    def __init__(
        self,
        query: Prepared | None = None,
        rows: Sequence[tuple[Any, ...]] = (),
        *,
        limit: int = 0,
    ) -> None:
        self._query = query
        self._rows = rows
        self._limit = limit

    @property
    def signature(self) -> str:
        """Return a text that changes with everything the visitor does; "" for someone new."""
        if not self._rows:
            return ""
        ids = [row[_ID] for row in self._rows]
        return _signature(len(ids), max(ids), sum(ids))

    @property
    def version(self) -> str | None:
        """Return what :func:`version` says of the same events; None where not all were read."""
        # Fewer than any of the limits: none of them has cut anything off.
        return self.signature if len(self._rows) < min(self._limit, _MAX_HIDDEN) else None

    def refused(self, *, bought: bool) -> frozenset[str]:
        """Return the keys that the visitor hid and, with ``bought``, those that were bought."""
        wanted = {int(EventName.HIDE_ITEM)} | ({int(EventName.PURCHASE)} if bought else set())
        return frozenset(row[_KEY_OF_ITEM] for row in self._rows if row[_EVENT] in wanted)

    def history(self) -> History:
        if self._query is None or not self._rows:
            return NOTHING
        events = [
            Past(event, item, key, title, category, group, int(moment.timestamp()), order, quantity)
            for _id, event, item, key, title, category, group, moment, order, quantity in (
                self._query.converted(self._rows)
            )
        ]
        return History(
            events=tuple(_without_refunds(events)),
            hidden=frozenset(past.key for past in events if past.event == EventName.HIDE_ITEM),
        )


def of(person: Person | None, *, at: datetime, limit: int | None = None) -> History:
    """Return what :func:`read` finds."""
    return read(person, at=at, limit=limit).history()


def read(person: Person | None, *, at: datetime, limit: int | None = None) -> Reading:
    """
    Read the latest ``limit`` purchases and the latest ``limit`` other events of ``person``.

    Read for every request: what was done a second ago counts. Nothing is read of someone who did
    not agree, or who cannot have been here before.
    """
    if person is None or not person.may_store or not person.known_keys:
        return Reading()
    limit = app_settings.HISTORY_EVENTS if limit is None else limit
    query = _prepare("rows", person, limit)
    return Reading(query, query.fetch(_values(person, at)), limit=limit)


def version(person: Person | None, *, at: datetime) -> str:
    """
    Return a text that changes with everything ``person`` does; "" for someone new.

    It is what :attr:`Reading.signature` is where nothing was cut off, at a fifth of the work: the
    database counts the events and hands over none.
    """
    if person is None or not person.may_store or not person.known_keys:
        return ""
    query = _prepare("version", person, 0)
    for n, latest, total in query.fetch(_values(person, at)):
        if n:
            return _signature(int(n), int(latest), int(total))
    return ""


def _signature(n: int, latest: int, total: int) -> str:
    # Two transactions may finish in another order than they began: the latest id alone would not
    # tell that the earlier one has arrived.
    return f"{n}-{latest}-{total}"


# What stands for the visitor and the moment in a prepared query.
_CHANNEL, _KEY, _CUSTOMER = "<channel>", "<key>", "<customer>"
_AT = datetime(1999, 12, 31, tzinfo=UTC)

# Places in a row of the query.
_ID, _EVENT, _KEY_OF_ITEM = 0, 1, 3

_prepared: dict[Any, Prepared] = {}


def forget() -> None:
    """Make the queries anew at the next need."""
    _prepared.clear()


def _values(person: Person, at: datetime) -> dict[Any, Any]:
    return {
        _CHANNEL: person.channel,
        _KEY: _known_key(person),
        _CUSTOMER: person.customer_key,
        _AT: at,
    }


def _known_key(person: Person) -> str:
    return person.key if person.key in person.known_keys else ""


def _prepare(kind: str, person: Person, limit: int) -> Prepared:
    key = _known_key(person)
    weighted = tuple(app_settings.EVENT_WEIGHTS)
    form = (kind, bool(key), bool(person.customer_key), limit, weighted)
    if form not in _prepared:
        marked = replace(
            person,
            channel=_CHANNEL,
            key=key and _KEY,
            customer_key=person.customer_key and _CUSTOMER,
            claim=Claim(),
        )
        events = _events(marked, at=_AT)
        rows = _counted(events) if kind == "version" else _latest(events, limit)
        _prepared[form] = Prepared(rows, planned=True)
    return _prepared[form]


def _events(person: Person, *, at: datetime) -> QuerySet[Event, Any]:
    """Return all that a shelf may ever ask about ``person``."""
    known = visitors.rows(person).exclude(consent=False)
    weighted = {EventName.from_code(code) for code in app_settings.EVENT_WEIGHTS}
    return Event.objects.filter(
        visitor__in=known,
        event__in={event.value for event in weighted | set(_NEEDED)},
        item__isnull=False,
        # A client's clock may run ahead; what a moment from now brings is not known yet.
        event_time__lte=at,
    )


def _counted(events: QuerySet[Event, Any]) -> QuerySet[Any, Any]:
    # One group of all, so that the answer is a queryset whose SQL can be made ahead.
    one = events.order_by().annotate(one=Value(1)).values("one")
    told = one.annotate(n=Count("pk"), latest=Max("pk"), total=Sum("pk"))
    rows: QuerySet[Any, Any] = told.values_list("n", "latest", "total")
    return rows


def _latest(events: QuerySet[Event, Any], limit: int) -> QuerySet[Any, Any]:
    kind = Case(
        When(event=EventName.HIDE_ITEM, then=Value(0)),
        When(event__in=_BOUGHT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    recent = (
        events.annotate(
            kind=kind,
            place=Window(
                RowNumber(), partition_by=[kind], order_by=[F("event_time").desc(), F("pk").desc()]
            ),
        )
        .filter(Q(kind=0, place__lte=_MAX_HIDDEN) | Q(kind__gt=0, place__lte=limit))
        .order_by("event_time", "pk")
    )
    return recent.values_list(
        "pk",
        "event",
        "item_id",
        "item__key",
        "item__title",
        "item__category",
        "item__group_key",
        "event_time",
        "order_ref",
        "quantity",
    )


def _without_refunds(events: Sequence[Past]) -> list[Past]:
    """Drop what was given back; what was bought again in another order stays."""
    returned: dict[tuple[str, str], int] = {}
    for past in events:
        if past.event == EventName.REFUND:
            line = (past.order_ref, past.key)
            returned[line] = returned.get(line, 0) + past.quantity
    kept = []
    for past in events:
        line = (past.order_ref, past.key)
        if past.event == EventName.PURCHASE and returned.get(line, 0) >= past.quantity:
            returned[line] -= past.quantity
        elif past.event not in (EventName.REFUND, EventName.HIDE_ITEM):
            kept.append(past)
    return kept
