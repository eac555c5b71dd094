"""What the shop's own code reports: put into the form of an event, and kept from hurting it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from engagement.adapters import LineData, ShopAdapter, get_adapter
from engagement.flows.collecting import ingest, tokens
from engagement.flows.collecting.guard import receiver_guard
from engagement.flows.collecting.identity import (
    Person,
    customer_key,
    person_from_request,
    person_of_customer,
)

logger = logging.getLogger("engagement.receivers")


@dataclass(frozen=True, slots=True)
class Report:
    """What the shop said, as it was said; looked up only after its transaction has come through."""

    event: str
    at: datetime
    lines: list[dict[str, Any]]
    fields: dict[str, Any]
    request: HttpRequest | None = None
    customer: str = ""
    channel: str | None = None
    recommendation_id: str = ""
    # The shop's own objects by key: asked for their names only if the mirror does not know them.
    objects: dict[str, object] = field(default_factory=dict)


def is_prefetch(request: HttpRequest | None) -> bool:
    """Return whether the browser loads the page only in case the visitor should go there."""
    if request is None:
        return False
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return "prefetch" in purpose or "prerender" in purpose


def read_items(items: Iterable[object]) -> tuple[list[dict[str, Any]], dict[str, object]]:
    """
    Return the lines of an event, and the shop's objects in it by key.

    An item is one of the shop's objects or its key, a tuple (item, quantity) or (item, quantity,
    value of the line), the adapter's LineData, or a mapping as in the API whose "item" may be an
    object.
    """
    adapter = get_adapter()
    lines, objects = [], {}
    for entry in items:
        obj, line = _line(entry)
        if obj is not None:
            line["item_id"] = _key(adapter, obj)
            if not isinstance(obj, str | int):
                objects[line["item_id"]] = obj
                line["variant_id"] = line.get("variant_id") or adapter.variant_id(obj) or None
        lines.append({name: value for name, value in line.items() if value is not None})
    return lines, objects


def _line(entry: object) -> tuple[object | None, dict[str, Any]]:
    if isinstance(entry, LineData):
        return entry.item_key, {
            "quantity": entry.quantity,
            "value": entry.value,
            "variant_id": entry.variant_id or None,
        }
    if isinstance(entry, Mapping):
        line = dict(entry)
        return line.pop("item", None), line
    if isinstance(entry, tuple):
        if not 1 <= len(entry) <= 3:
            raise ValueError(f"Not (item, quantity, value of the line): {entry!r}")
        obj, quantity, value = (*entry, None, None)[:3]
        return obj, {"quantity": quantity, "value": value}
    return entry, {}


def _key(adapter: ShopAdapter, obj: object) -> str:
    key = str(adapter.item_key(obj))
    if key in ("", "None"):
        raise ValueError(f"This has no key, or was not saved yet: {obj!r}")
    return key


@receiver_guard
def record(report: Report) -> ingest.Report | None:
    """Store what the shop has reported; what is wrong with it goes to the log."""
    channel = report.channel
    if channel is None:
        channel = get_adapter().get_channel(report.request)
    person = _person(report, channel)
    if person is not None and not person.keys:
        return None
    payload: dict[str, Any] = {
        "event": report.event,
        "event_time": report.at,
        "items": report.lines,
        **_attribution(report, person),
        **report.fields,
    }
    done = ingest.ingest(
        [payload],
        channel=channel,
        person=person,
        at=report.at,
        trusted=True,
        title_of=lambda key: str(report.objects.get(key, "")),
    )
    for refused in done.rejected:
        if refused.code != "no_consent":
            logger.warning(
                "%s was not recorded: %s: %s", report.event, refused.field, refused.message
            )
    return done


def _person(report: Report, channel: str) -> Person | None:
    customer = report.customer
    if report.request is None:
        return person_of_customer(customer, channel) if customer else None
    person = person_from_request(report.request)
    if customer and person.keys:
        return replace(person, customer_key=customer_key(customer, channel), user_id=None)
    return person


def _attribution(report: Report, person: Person | None) -> dict[str, str]:
    """Return where the event came from. The id may have come in with the page's address."""
    if not report.recommendation_id:
        return {}
    try:
        shelf = tokens.verify(report.recommendation_id, person=person, at=report.at)
    except tokens.InvalidToken:
        return {}
    return {"recommendation_id": shelf.recommendation_id, "placement": shelf.placement}
