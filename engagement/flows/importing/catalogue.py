"""The mirror of the shop's catalogue: kept in step with the shop, filled in by imports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import islice

from django.db import connections, router
from django.db.models import F

from engagement.adapters import ItemData, get_adapter
from engagement.flows.serving import popular
from engagement.models import Item

logger = logging.getLogger(__name__)

BATCH = 1000
# What a synchronisation may change; the identity and the moment of the first sight stay.
MIRRORED = (
    "item_type",
    "external_id",
    "group_key",
    "title",
    "text",
    "category",
    "price",
    "currency",
    "image_url",
    "url",
    "attributes",
    "is_active",
    "is_available",
    "synced_at",
)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a synchronisation found: ``read`` = ``created`` + ``updated`` + ``skipped``."""

    read: int = 0
    created: int = 0
    updated: int = 0
    deactivated: int = 0
    skipped: int = 0


def sync_items(
    *,
    channel: str,
    at: datetime,
    since: datetime | None = None,
    progress: Callable[[int], object] | None = None,
) -> SyncReport:
    """
    Mirror the shop's catalogue, or what changed in it after ``since``.

    A complete run marks items that the shop no longer has as inactive; nothing is ever deleted,
    because events point at it. Items that came with an import and were never in the shop stay as
    they are. A shop that yields nothing at all is taken for a mistake, not for an empty shop.
    ``progress`` is called with the number of items of each batch.
    """
    report = SyncReport()
    items = iter(get_adapter().iter_items(since))
    while batch := list(islice(items, BATCH)):
        # One statement cannot update a row twice: of two items with one key, the last one counts.
        rows = {row.key: row for data in batch if (row := _row(data, channel, at)) is not None}
        known = len(Item.objects.ids_by_key(channel, rows))
        _upsert(rows.values())
        report = replace(
            report,
            read=report.read + len(batch),
            created=report.created + len(rows) - known,
            updated=report.updated + known,
            skipped=report.skipped + len(batch) - len(rows),
        )
        if progress is not None:
            progress(len(batch))
    if since is None and report.read:
        vanished = Item.objects.of_channel(channel).filter(is_active=True, synced_at__lt=at)
        report = replace(report, deactivated=vanished.update(is_active=False, synced_at=at))
    if report.created or report.deactivated:
        popular.renew(channel)
    return report


def ensure_items(
    channel: str,
    titles: Mapping[str, str],
    at: datetime,
    *,
    categories: Mapping[str, str] | None = None,
    prices: Mapping[str, Decimal] | None = None,
    currency: str = "",
    is_active: bool = True,
) -> dict[str, int]:
    """
    Return internal ids by key, creating mirror rows for keys that are not known yet.

    Known items keep what the shop said about them. Created ones are active unless the shop is
    known to sell them no more: training, evaluation and the JSON API need them, and a page leaves
    out what the shop cannot resolve.
    """
    ids = Item.objects.ids_by_key(channel, titles)
    missing = [key for key in titles if key not in ids]
    if missing:
        rows = []
        for key in missing:
            price = clean_price((prices or {}).get(key))
            rows.append(
                Item(
                    channel=channel,
                    external_id=key,
                    key=key,
                    title=(titles[key] or key)[:255],
                    category=(categories or {}).get(key, "")[:255],
                    price=price,
                    currency=currency[:3] if price is not None else "",
                    is_active=is_active,
                )
            )
        Item.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)
        ids.update(Item.objects.ids_by_key(channel, missing))
    return ids


def name_items(channel: str, titles: Mapping[str, str]) -> int:
    """Give titles to mirror rows that only have their key so far; return how many got one."""
    named = {key: title for key, title in titles.items() if title and title != key}
    changed = 0
    for keys in _chunks(named, 900):
        nameless = Item.objects.of_channel(channel).filter(
            key__in=keys, title=F("key"), synced_at__isnull=True
        )
        rows = list(nameless.only("key", "title"))
        for item in rows:
            item.title = named[item.key][:255]
        changed += Item.objects.bulk_update(rows, ["title"], batch_size=BATCH)
    return changed


def clean_price(price: Decimal | float | None) -> Decimal | None:
    """Return a price as the mirror can hold it; None for a missing or an impossible one."""
    if price is None:
        return None
    try:
        exact = Decimal(str(price)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None
    return exact if 0 <= exact < Decimal(10) ** 10 else None


def _row(data: ItemData, channel: str, at: datetime) -> Item | None:
    """Return the mirror row, or None (and a line in the log) for a key that cannot be kept."""
    key = Item.make_key(data.item_type, data.key)
    if not data.key or len(data.key) > 128 or len(data.item_type) > 32:
        logger.warning("The catalogue has an item whose key cannot be mirrored: %.200r", key)
        return None
    price = clean_price(data.price)
    return Item(
        channel=channel,
        item_type=data.item_type,
        external_id=data.key,
        key=key,
        group_key=data.group_key[:128],
        title=(data.title or key)[:255],
        text=data.text,
        category=" > ".join(name.strip() for name in data.category if name.strip())[:255],
        price=price,
        currency=data.currency[:3] if price is not None else "",
        # Half an address leads nowhere.
        image_url=data.image_url if len(data.image_url) <= 500 else "",
        url=data.url if len(data.url) <= 500 else "",
        attributes=dict(data.attributes),
        is_active=data.is_active,
        is_available=data.is_available,
        synced_at=at,
    )


def _upsert(rows: Iterable[Item]) -> None:
    features = connections[router.db_for_write(Item)].features
    # MySQL finds the conflicting row by itself and refuses to be told.
    target = ["channel", "key"] if features.supports_update_conflicts_with_target else None
    Item.objects.bulk_create(
        list(rows),
        batch_size=BATCH,
        update_conflicts=True,
        update_fields=MIRRORED,
        unique_fields=target,
    )


def _chunks(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining = iter(keys)
    while chunk := list(islice(remaining, size)):
        yield chunk
