"""The last step of an import: rows that were judged become events, their people and items."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.collecting import ids
from engagement.flows.collecting.identity import customer_key, outside_key
from engagement.flows.collecting.storing import event_key
from engagement.flows.collecting.values import Refused
from engagement.flows.importing import bulk, catalogue
from engagement.flows.importing.import_rows import Rows

# Returns the keys of the rows at some places; people are the pseudonyms of all rows.
KeysOf = Callable[[Rows, Sequence[int], Sequence[str], str], list[uuid.UUID]]


@dataclass(frozen=True, slots=True)
class Stored:
    """How many rows are new, what was refused, and the key of the last row that was not."""

    new: int
    refused: dict[int, Refused]
    last_key: str = ""


def store_rows(
    rows: Rows,
    refused: dict[int, Refused],
    *,
    channel: str,
    at: datetime,
    keys_of: KeysOf | None = None,
    items_are_active: bool = True,
) -> Stored:
    """
    Store the rows that nothing speaks against; ``keys_of`` defaults to :func:`content_keys`.

    Customers and visitors come to be without an answer about consent; where there is a "no",
    the row is refused.
    """
    people = _pseudonyms(rows, channel)
    visitors = ids.visitors(
        channel,
        {
            key: ids.Wanted(key) for index, key in enumerate(people) if key and index not in refused
        }.values(),
    )
    for index, key in enumerate(people):
        if index not in refused and key and visitors[key].consent is False:
            refused[index] = Refused(
                "no_consent", rows.columns.get("visitor", ""), _("The visitor has not agreed.")
            )
    places = [index for index in range(len(rows)) if index not in refused]
    if not places:
        return Stored(0, refused)
    item_ids = _items(rows, places, channel, at, is_active=items_are_active)

    def pick(values: Sequence[Any]) -> list[Any]:
        return [values[index] for index in places]

    keys = (keys_of or content_keys)(rows, places, people, channel)
    events, quantities = rows.events.tolist(), rows.quantities.tolist()
    new = bulk.insert_events(
        {
            "key": keys,
            "event": pick(events),
            "visitor_id": [visitors[people[i]].id if people[i] else None for i in places],
            "item_id": [item_ids.get(rows.items[i]) for i in places],
            "variant_id": pick(rows.variants),
            "session_id": pick(rows.sessions),
            # A clock that runs ahead a little must not hide an event from "until now".
            "event_time": [min(rows.moments[i], at) for i in places],  # type: ignore[type-var]
            "quantity": pick(quantities),
            "value": pick(rows.values),
            "currency": [
                (rows.currencies[i] or app_settings.CURRENCY) if rows.values[i] is not None else ""
                for i in places
            ],
            "order_ref": pick(rows.orders),
            "query": pick(rows.queries),
        },
        channel=channel,
        at=at,
    )
    return Stored(new, refused, keys[-1].hex)


def _pseudonyms(rows: Rows, channel: str) -> list[str]:
    """
    Return visitor keys, "" for guests.

    A customer is the one who signs in to the shop; who has no name of any kind is one visit.
    """
    of_customer = cache(lambda name: customer_key(name, channel))
    of_stranger = cache(lambda name: outside_key(name, channel))
    return [
        of_customer(customer)
        if customer
        else of_stranger(stranger)
        if stranger
        else of_stranger(f"session:{session}")
        if session
        else ""
        for customer, stranger, session in zip(
            rows.customers, rows.strangers, rows.sessions, strict=True
        )
    ]


def _items(
    rows: Rows, places: Sequence[int], channel: str, at: datetime, *, is_active: bool
) -> dict[str, int]:
    titles: dict[str, str] = {}
    categories: dict[str, str] = {}
    prices: dict[str, Decimal] = {}
    for index in places:
        key = rows.items[index]
        if not key:
            continue
        if not titles.get(key):
            titles[key] = rows.titles[index]
        if rows.categories[index]:
            categories.setdefault(key, rows.categories[index])
        price = rows.prices[index]
        if price is not None:
            prices[key] = price
    found = catalogue.ensure_items(
        channel,
        titles,
        at,
        categories=categories,
        prices=prices,
        currency=app_settings.CURRENCY,
        is_active=is_active,
    )
    catalogue.name_items(channel, titles)
    return found


def content_keys(
    rows: Rows, places: Sequence[int], people: Sequence[str], channel: str
) -> list[uuid.UUID]:
    """
    Return keys that say everything there is to say about a row: the same row has the same key.

    A row that brings the id of its event is that event, whatever else it says; several items of
    one event may stand in several rows.
    """
    events, quantities = rows.events.tolist(), rows.quantities.tolist()
    return [
        event_key(channel, "import", rows.event_ids[i], people[i], rows.items[i], rows.variants[i])
        if rows.event_ids[i]
        else event_key(
            channel,
            "import",
            events[i],
            people[i],
            rows.items[i],
            rows.variants[i],
            rows.moments[i],
            quantities[i],
            rows.values[i],
            rows.orders[i],
            rows.sessions[i],
            rows.queries[i],
        )
        for i in places
    ]
