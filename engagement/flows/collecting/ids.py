"""
Internal numbers for external keys, remembered for a minute per process.

Only what was read outside a transaction is remembered, and only used there: an id that was read
inside one may be rolled back. A row that another process deletes meanwhile makes the insert fail;
the caller then calls :func:`forget` and asks again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import connections, router
from django.db.models.signals import post_delete, post_migrate

from engagement.models import Item, Visitor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """What has to be known of a visitor before something is stored."""

    id: int
    consent: bool | None
    has_user: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visitor's key, and what is to be noted down with it where it is not known yet."""

    key: str
    user_id: Any = None
    consent: bool | None = None
    # Somebody who has not agreed yet is looked up, not written down.
    may_create: bool = True


class _Memory(Generic[T]):
    """The least recently used go first; nothing is believed for longer than ``seconds``."""

    def __init__(self, size: int, seconds: float) -> None:
        self.size = size
        self.seconds = seconds
        self.entries: OrderedDict[tuple[str, str, str], tuple[float, T]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, channel: str, keys: Iterable[str]) -> dict[str, T]:
        found: dict[str, T] = {}
        schema, is_safe = _place()
        if not is_safe:
            return found
        oldest = time.monotonic() - self.seconds
        with self.lock:
            for key in keys:
                entry = self.entries.get((schema, channel, key))
                if entry is not None and entry[0] > oldest:
                    self.entries.move_to_end((schema, channel, key))
                    found[key] = entry[1]
        return found

    def put(self, channel: str, values: Mapping[str, T]) -> None:
        schema, is_safe = _place()
        if not is_safe:
            return
        now = time.monotonic()
        with self.lock:
            for key, value in values.items():
                self.entries[(schema, channel, key)] = (now, value)
                self.entries.move_to_end((schema, channel, key))
            while len(self.entries) > self.size:
                self.entries.popitem(last=False)

    def clear(self) -> None:
        with self.lock:
            self.entries.clear()


def _place() -> tuple[str, bool]:
    """Return the database and tenant we are in, and whether ids may be remembered here."""
    connection = connections[router.db_for_write(Item)]
    schema = f"{connection.alias}:{getattr(connection, 'schema_name', '')}"
    return schema, not connection.in_atomic_block


_items: _Memory[int] = _Memory(size=10_000, seconds=60)
_visitors: _Memory[Known] = _Memory(size=5_000, seconds=60)


def item_ids(channel: str, keys: Iterable[str]) -> dict[str, int]:
    """Return item ids by key, for the keys that are known; at most one query in 900 keys."""
    wanted = list(dict.fromkeys(keys))
    found = _items.get(channel, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        read = Item.objects.ids_by_key(channel, missing)
        _items.put(channel, read)
        found.update(read)
    return found


def visitors(channel: str, wanted: Iterable[Wanted]) -> dict[str, Known]:
    """
    Return visitors by key; those that do not exist yet are created where they may be.

    An answer about consent and a user are added to visitors that had none; a stored "no" stays
    until the visitor says yes by :func:`engagement.flows.collecting.privacy.answer`.
    """
    by_key = {one.key: one for one in wanted}
    found = _visitors.get(channel, by_key)
    missing = [one for one in by_key.values() if one.key not in found]
    if missing:
        read = _read(channel, [one.key for one in missing])
        new = [one for one in missing if one.may_create and one.key not in read]
        if new:
            # Two requests may meet here; the constraint decides, and both read the winner.
            Visitor.objects.bulk_create(
                [
                    Visitor(channel=channel, key=one.key, user_id=one.user_id, consent=one.consent)
                    for one in new
                ],
                ignore_conflicts=True,
            )
            read |= _read(channel, [one.key for one in new])
        found |= read
        _visitors.put(channel, read)
    _complete(channel, by_key, found)
    return found


def _read(channel: str, keys: list[str]) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for start in range(0, len(keys), 900):
        rows = Visitor.objects.filter(channel=channel, key__in=keys[start : start + 900])
        for key, pk, consent, user_id in rows.values_list("key", "pk", "consent", "user_id"):
            found[key] = Known(pk, consent, user_id is not None)
    return found


def _complete(channel: str, wanted: Mapping[str, Wanted], found: dict[str, Known]) -> None:
    for key, one in wanted.items():
        known = found.get(key)
        if known is None:
            continue
        adds_user = one.user_id is not None and not known.has_user
        adds_yes = one.consent is True and known.consent is None
        if adds_user or adds_yes:
            changes: dict[str, Any] = {"user_id": one.user_id} if adds_user else {}
            if adds_yes:
                changes["consent"] = True
            Visitor.objects.filter(pk=known.id).update(**changes)
            better = Known(
                known.id, True if adds_yes else known.consent, known.has_user or adds_user
            )
            found[key] = better
            _visitors.put(channel, {key: better})


def forget_visitors() -> None:
    """Stop believing what is remembered of visitors: one has changed or gone."""
    _visitors.clear()


def forget(**kwargs: object) -> None:
    """Stop believing anything; also after ``flush``, which is how test databases are emptied."""
    _items.clear()
    _visitors.clear()


post_delete.connect(forget, sender=Item, dispatch_uid="engagement.ids.item")
post_delete.connect(forget, sender=Visitor, dispatch_uid="engagement.ids.visitor")
post_migrate.connect(forget, dispatch_uid="engagement.ids.migrate")
