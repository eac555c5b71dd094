"""``ORDERS``: every name that it gives of the shop's orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engagement.adapters import accessors
from engagement.adapters.orders import DEFAULTS
from engagement.checks import named
from engagement.checks.catalogue import nameless
from engagement.checks.hints import Messages

OF_ORDERS = ("REF", "CUSTOMER", "EMAIL", "PLACED_AT", "CURRENCY", "LINES")
OF_LINES = ("ITEM", "VARIANT", "QUANTITY", "VALUE")
CONDITIONS = ("WHERE", "CANCELLED", "TEST")
ORDERS = ("MODEL", "QUERYSET", "LISTEN", *OF_ORDERS, *OF_LINES, *CONDITIONS)


def orders(names: Mapping[str, Any]) -> Messages:
    if not names:
        return
    place = "['ORDERS']"
    yield from named.unknown_parts(place, names, ORDERS)
    if not names.get("MODEL"):
        yield nameless("ORDERS")
        return
    model, wrong = named.model_of(f"{place}['MODEL']", names["MODEL"])
    yield from wrong
    if model is None:
        return
    also, wrong = named.rows(f"{place}['QUERYSET']", names.get("QUERYSET"), model)
    yield from wrong
    for part in OF_ORDERS:
        yield from named.accessor(f"{place}[{part!r}]", _given(names, part), model, also)
    for part in CONDITIONS:
        if isinstance(names.get(part), Mapping):
            yield from named.condition(f"{place}[{part!r}]", names[part], model)
        elif names.get(part):
            hint = 'Write lookups, as in {"paid": True}.'
            yield named.unusable(f"{place}[{part!r}]", f"{names[part]!r} is no dictionary.", hint)
    lines = accessors.many(model, str(names.get("LINES") or DEFAULTS["LINES"]))
    # Lines that are no rows, JSON say, are not known before there is one.
    if lines is None:
        return
    for part in OF_LINES:
        yield from named.accessor(f"{place}[{part!r}]", _given(names, part), lines)


def _given(names: Mapping[str, Any], part: str) -> Any:
    """Return what is named, or what is taken instead; an order needs no customer."""
    if part == "CUSTOMER" and not names.get(part):
        return None
    return names.get(part) or DEFAULTS.get(part)
