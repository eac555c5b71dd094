"""Decisions as they are kept: one row each, found again while they hold, each made once."""

from __future__ import annotations

import hashlib
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import IntegrityError, connections, router, transaction

from engagement.flows.collecting import ids, visitors
from engagement.flows.collecting.identity import Person
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.serving import caching
from engagement.models import Decision


@dataclass(frozen=True, slots=True)
class Kept:
    """What was decided for a visitor last. Plain values, so that a cache can keep it."""

    key: str
    arm: str
    propensity: float
    version: str
    decided_at: datetime

    def holds(self, point: RunningPoint, at: datetime) -> bool:
        return at - self.decided_at < point.hold


def visitor_of(person: Person | None) -> int | None:
    """
    Return the row to decide for, which is made where there is none.

    None for those who take no part: of whom nothing may be stored, and strangers whose key no
    browser holds yet, who would be somebody new with each page.
    """
    if person is None or not person.may_store or not person.keys:
        return None
    if person.keys[0] not in person.known_keys:
        return None
    wanted = visitors.wanted(person)
    if wanted is None:
        return None
    known = ids.visitors(person.channel, [wanted]).get(wanted.key)
    return None if known is None or known.consent is False else known.id


def last(point: RunningPoint, visitor_id: int, *, at: datetime) -> Kept | None:
    """Return what the visitor got here last: from the cache while it holds, else in one query."""
    kept = caching.get(_place(point, visitor_id))
    if isinstance(kept, Kept) and kept.holds(point, at):
        return kept
    return stored_last(point, visitor_id)


def stored_last(point: RunningPoint, visitor_id: int) -> Kept | None:
    rows = Decision.objects.filter(visitor_id=visitor_id, point_id=point.id)
    found = rows.order_by("-decided_at", "-pk").values_list(
        "key", "arm", "propensity", "version__name", "decided_at"
    )
    for key, arm, propensity, version, decided_at in found[:1]:
        return Kept(key.hex, arm, propensity, version, decided_at)
    return None


def next_key(point: RunningPoint, visitor_id: int, before: Kept | None) -> uuid.UUID:
    """
    Return the key of the decision that follows ``before``: two pages loaded at once get the same,
    and the database keeps one of them.
    """
    text = "\0".join((str(point.id), str(visitor_id), before.key if before else ""))
    digest = hashlib.blake2b(
        text.encode(),
        digest_size=16,
        key=hashlib.sha256(settings.SECRET_KEY.encode()).digest(),
        person=b"decision",
    ).digest()
    return uuid.UUID(bytes=digest)


def write(row: Decision, point: RunningPoint) -> Kept | None:
    """
    Insert a decision and return it, or the one that another page has made meanwhile.

    None where another page's cannot be found any more.
    """
    try:
        with _own_savepoint():
            row.save(force_insert=True)
    except IntegrityError:
        kept = stored_last(point, row.visitor_id)
        return kept if kept is not None and kept.key == row.key.hex else None
    kept = Kept(row.key.hex, row.arm, row.propensity, row.version.name, row.decided_at)
    # Not before it is certain: a page that fails takes its decision back.
    transaction.on_commit(
        partial(_remember, kept, point, row.visitor_id),
        using=router.db_for_write(Decision),
        robust=True,
    )
    return kept


def _remember(kept: Kept, point: RunningPoint, visitor_id: int) -> None:
    caching.put(_place(point, visitor_id), kept, seconds=point.hold.total_seconds())


def _own_savepoint() -> AbstractContextManager[None]:
    """Keep a lost race from ending the shop's own transaction; nobody else pays for it."""
    if connections[router.db_for_write(Decision)].in_atomic_block:
        return transaction.atomic(using=router.db_for_write(Decision))
    return nullcontext()


def _place(point: RunningPoint, visitor_id: int) -> str:
    return f"engagement:decided:{point.id}:{visitor_id}"
