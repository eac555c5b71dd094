"""A batch of a file in our words: every column read once, before any rule judges it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any, TypeVar

import numpy as np
from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.flows.collecting.values import (
    Refused,
    read_currency,
    read_moment,
    read_text,
    read_words,
)
from engagement.flows.importing.mapping import Plan
from engagement.flows.importing.tables import Batch
from engagement.learning.interactions import Int64
from engagement.models import EventName

T = TypeVar("T")

CENT = Decimal("0.01")
# Beyond any database; the limits of the settings are asked for later, by name.
MOST = Decimal(10) ** 12
# How a table with gaps writes the whole number 17850.
_WHOLE = re.compile(r"(\d+)\.0+\Z")


@dataclass(slots=True)
class Rows:
    """
    Rows as parallel lists and arrays; ``refused`` holds what already speaks against some of them.

    Money and quantities of a refund are positive, as for a purchase. ``cents`` is below zero
    where there is no value, ``events`` is zero where there is no event.
    """

    lines: Sequence[int]
    columns: dict[str, str]
    refused: dict[int, Refused]
    events: Int64
    items: list[str]
    variants: list[str]
    moments: list[datetime | None]
    quantities: Int64
    values: list[Decimal | None]
    cents: Int64
    currencies: list[str]
    orders: list[str]
    sessions: list[str]
    customers: list[str]
    strangers: list[str]
    event_ids: list[str]
    queries: list[str]
    titles: list[str]
    categories: list[str]
    prices: list[Decimal | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.lines)


def blank_rows(n: int, **columns: Any) -> Rows:
    """Return ``n`` rows with the columns that are given; nothing is in the others."""
    blank: dict[str, Any] = {
        name: [""] * n
        for name in (
            "items",
            "variants",
            "currencies",
            "orders",
            "sessions",
            "customers",
            "strangers",
            "event_ids",
            "queries",
            "titles",
            "categories",
        )
    }
    return Rows(
        **{
            "lines": range(1, n + 1),
            "columns": {},
            "refused": {},
            "events": np.zeros(n, dtype=np.int64),
            "moments": [None] * n,
            "quantities": np.ones(n, dtype=np.int64),
            "values": [None] * n,
            "cents": np.full(n, -1, dtype=np.int64),
            "prices": [None] * n,
            **blank,
            **columns,
        }
    )


def read_rows(batch: Batch, plan: Plan) -> Rows:
    """Read every column; a cell that cannot be read refuses its row and no other."""
    reader = _Reader(batch, plan)
    for index, why in batch.broken.items():
        reader.refused[index] = Refused("unreadable", "", why)
    text = reader.text
    events = reader.events()
    orders = text("order", 64)
    amounts = reader.column("quantity", partial(_read_number, decimal=plan.decimal), Decimal(1))
    prices = reader.column("price", partial(_read_number, decimal=plan.decimal), None)
    sums = reader.column("value", partial(_read_number, decimal=plan.decimal), None)
    values = [
        total if total is not None or price is None else price * amount
        for total, price, amount in zip(sums, prices, amounts, strict=True)
    ]
    events = _with_refunds(events, amounts, orders, plan)
    is_refund = events == EventName.REFUND
    money = [
        None if value is None else (abs(value) if back else value).quantize(CENT, ROUND_HALF_UP)
        for value, back in zip(values, is_refund.tolist(), strict=True)
    ]
    return Rows(
        lines=batch.lines,
        columns=dict(plan.columns),
        refused=reader.refused,
        events=events,
        items=text("item", 128),
        variants=text("variant", 64),
        moments=reader.column("at", partial(read_when, plan=plan), None),
        quantities=np.array(
            # A pound and a half of apples is two of them: what counts is that they were bought.
            [
                int((abs(amount) if back else amount).to_integral_value(ROUND_CEILING))
                for amount, back in zip(amounts, is_refund.tolist(), strict=True)
            ],
            dtype=np.int64,
        ),
        values=money,
        cents=np.array(
            [-1 if value is None else int(min(value, MOST) * 100) for value in money],
            dtype=np.int64,
        ),
        currencies=reader.column("currency", _read_currency, plan.currency),
        orders=orders,
        sessions=text("session", 64),
        customers=reader.column("visitor", partial(_read_person), ""),
        strangers=reader.column("anonymous", partial(_read_person), ""),
        event_ids=text("event_id", 64),
        queries=reader.column("query", partial(read_words, length=200), ""),
        titles=reader.column("title", _read_title, ""),
        categories=reader.column("category", _read_title, ""),
        prices=prices,
    )


class _Reader:
    def __init__(self, batch: Batch, plan: Plan) -> None:
        self.batch = batch
        self.plan = plan
        self.refused: dict[int, Refused] = {}

    def text(self, what: str, length: int) -> list[str]:
        return self.column(what, partial(_read_text, length=length), "")

    def column(self, what: str, read: Callable[[str, Any], T], missing: T) -> list[T]:
        """Read a column, each distinct value once; ``missing`` stands for what is empty."""
        name = self.plan.columns.get(what)
        if name is None:
            return [missing] * len(self.batch)
        known: dict[Any, T | Refused] = {}
        found: list[T] = []
        for index, value in enumerate(self.batch.columns[name]):
            try:
                answer = known[value]
            except KeyError:
                answer = known[value] = _read(name, value, read, missing)
            except TypeError:
                # Lists and objects, which cannot be looked up, are no cells either.
                answer = Refused("not_text", name, _("This must be text or a number."))
            if isinstance(answer, Refused):
                self.refused.setdefault(index, answer)
                answer = missing
            found.append(answer)
        return found

    def events(self) -> Int64:
        if self.plan.event is not None:
            return np.full(len(self.batch), int(self.plan.event), dtype=np.int64)
        return np.array(self.column("event", self._read_event, 0), dtype=np.int64)

    def _read_event(self, name: str, value: Any) -> int:
        event = self.plan.event_of(_read_text(name, value, 64))
        if event is None:
            raise Refused("unknown_event", name, _("There is no event of this name."))
        return int(event)


def _read(name: str, value: Any, read: Callable[[str, Any], T], missing: T) -> T | Refused:
    if is_missing(value):
        return missing
    try:
        return read(name, value)
    except Refused as refused:
        return refused


def is_missing(value: Any) -> bool:
    """Return whether a cell is empty. (A NaN is what a table makes of an empty number.)"""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


def _read_text(name: str, value: Any, length: int) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float | Decimal | date):
        value = str(value)
    return read_text(name, value, length)


def _read_person(name: str, value: Any) -> str:
    text = _read_text(name, value, 128)
    whole = _WHOLE.match(text)
    return whole[1] if whole else text


def _read_title(name: str, value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return read_words(name, text, length=None)[:255]


def _read_currency(name: str, value: Any) -> str:
    return read_currency(name, value)


def _read_number(name: str, value: Any, decimal: str) -> Decimal:
    """Return a number with its sign; ``decimal`` is the mark that text uses."""
    if isinstance(value, str):
        value = value.strip()
        if decimal != ".":
            value = value.replace(".", "").replace(decimal, ".")
    elif isinstance(value, float):
        value = repr(value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise Refused("not_a_number", name, _("This must be a number.")) from None
    if isinstance(value, bool) or not number.is_finite():
        raise Refused("not_a_number", name, _("This must be a number."))
    if abs(number) > MOST:
        raise Refused("too_large", name, _("This is beyond all measure."))
    return number


def read_when(name: str, value: Any, *, plan: Plan) -> datetime:
    """Return a moment; one that names no time zone is in the plan's."""
    moment = value
    if isinstance(value, str):
        text = value.strip()
        try:
            moment = (
                datetime.strptime(text, plan.date_format)
                if plan.date_format
                else datetime.fromisoformat(text)
            )
        except ValueError:
            # Unix time, or nothing at all.
            moment = text
    elif isinstance(value, date) and not isinstance(value, datetime):
        moment = datetime(value.year, value.month, value.day)
    if isinstance(moment, datetime) and moment.tzinfo is None:
        moment = moment.replace(tzinfo=plan.timezone)
    if isinstance(moment, float) and moment.is_integer():
        moment = int(moment)
    return read_moment(name, moment).astimezone(UTC)


def _with_refunds(
    events: Int64, amounts: Sequence[Decimal], orders: Sequence[str], plan: Plan
) -> Int64:
    """Negative pieces are returned ones; so is what stands in an order of a refund's number."""
    is_refund = np.fromiter((amount < 0 for amount in amounts), dtype=bool, count=len(amounts))
    if plan.refund_pattern is not None:
        known = {order: bool(plan.refund_pattern.search(order)) for order in set(orders)}
        is_refund |= np.fromiter((known[order] for order in orders), dtype=bool, count=len(orders))
    return np.where(is_refund & (events == EventName.PURCHASE), int(EventName.REFUND), events)


def aware(moment: datetime) -> datetime:
    """Return a moment with its time zone: a shop without ``USE_TZ`` has the site's."""
    return timezone.make_aware(moment) if timezone.is_naive(moment) else moment
