"""The items of an event, as they came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.collecting.aliases import FIELDS, LINE_FIELDS, find
from engagement.flows.collecting.values import (
    Refused,
    read_amount,
    read_money,
    read_text,
    read_whole,
    read_words,
    to_cents,
)

MAX_ITEMS = 200
MAX_RANK = 32_767


@dataclass(frozen=True, slots=True)
class Line:
    """One item of an event. ``field`` is where it stood, for messages."""

    item_key: str
    field: str
    quantity: int = 1
    value: Decimal | None = None
    rank: int | None = None
    variant_id: str = ""
    title: str = ""


def read_quantity(field: str, value: Any) -> int:
    if value is None:
        return 1
    return read_whole(field, value, least=1, most=app_settings.MAX_QUANTITY)


def read_value(field: str, value: Any) -> Decimal | None:
    return None if value is None else read_money(field, value, most=app_settings.MAX_VALUE)


def read_lines(payload: Mapping[str, Any]) -> tuple[Line, ...]:
    field, entries = find(payload, "items")
    if entries is None:
        _name, item_id = find(payload, "item_id")
        return () if item_id is None else (_line(payload, "", FIELDS),)
    if not isinstance(entries, list | tuple):
        raise Refused("not_a_list", field, _("This must be a list."))
    if len(entries) > MAX_ITEMS:
        raise Refused(
            "too_many_items",
            field,
            _("An event may have %(n)d items at most.") % {"n": MAX_ITEMS},
        )
    return tuple(
        _line(entry, f"{field}[{number}]", LINE_FIELDS) for number, entry in enumerate(entries)
    )


def _line(entry: object, place: str, fields: Mapping[str, tuple[str, ...]]) -> Line:
    if isinstance(entry, str | int) and not isinstance(entry, bool):
        entry = {"item_id": entry}
    if not isinstance(entry, Mapping):
        raise Refused("not_an_object", place, _("An item must be an object with an item_id."))
    prefix = f"{place}." if place else ""

    def part(name: str) -> tuple[str, Any]:
        found, value = find(entry, name, fields)
        return prefix + found, value

    field, item_id = part("item_id")
    key = read_text(field, item_id, 161)
    if not key:
        raise Refused("required", field, _("An item needs its id."))
    quantity = read_quantity(*part("quantity"))
    rank_field, rank = part("index")
    variant_field, variant = part("variant_id")
    title_field, title = part("title")
    return Line(
        item_key=key,
        field=field,
        quantity=quantity,
        value=_line_value(part, quantity, fields),
        rank=None if rank is None else read_whole(rank_field, rank, least=0, most=MAX_RANK),
        variant_id=read_text(variant_field, variant, 64),
        title=read_words(title_field, title, length=None)[:255],
    )


def _line_value(
    part: Callable[[str], tuple[str, Any]], quantity: int, fields: Mapping[str, tuple[str, ...]]
) -> Decimal | None:
    """Return the money of the whole line: as given, or price × quantity."""
    if fields is LINE_FIELDS:
        value = read_value(*part("value"))
        if value is not None:
            return value
    field, price = part("price")
    if price is None:
        return None
    value = read_amount(field, price, most=app_settings.MAX_VALUE) * quantity
    if value > app_settings.MAX_VALUE:
        raise Refused("too_large", field, _("Price × quantity is beyond all measure."))
    # Rounded last: screws cost half a cent.
    return to_cents(value)
