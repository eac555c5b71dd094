"""
Shelves that this process has answered with, for those who ask again.

In front of Django's cache, for the JSON API alone: what was chosen is kept as it went out. It goes
out again while nothing has changed that it rests on: the models, the placement, the question, the
day's rules, what the visitor did (counted by the database each time, whichever process wrote it
down), and which of the items the shop would sell right now (asked each time). Otherwise, and for
anything that chance or the visitor's mix has a say in, the shelf is filled in the ordinary way.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engagement.flows.serving import remembering
from engagement.flows.serving.placements import PlacementConfig
from engagement.flows.serving.visit import Ask, Visit
from engagement.models import Placement

if TYPE_CHECKING:
    from engagement.flows.serving.recommend import Shelf

# Answers that a process keeps, the latest: about ten kilobytes each.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A shelf as it went out, but for its id, and what it rests on.

    ``version``: what the visitor had done by then; None where the question is known, not its
    answer. ``asked``: the keys that the shop was asked about, ``on_sale`` those that it would sell.
    """

    version: str | None
    asked: tuple[str, ...] = ()
    on_sale: frozenset[str] = frozenset()
    shelf: Shelf | None = None
    artifact_id: int | None = None


_kept: OrderedDict[Hashable, Answer] = OrderedDict()
_lock = threading.Lock()


def forget() -> None:
    """Answer anew."""
    with _lock:
        _kept.clear()


def name_of(visit: Visit, config: PlacementConfig, ask: Ask, n: int) -> Hashable:
    """Return under what name an answer is kept; None where it may not be."""
    if visit.objects_wanted or not remembering.is_kept(config) or config.exploration > 0.0:
        return None
    if config.diversity > 0.0 and config.diversify_by == Placement.Diversity.SHARES:
        # The visitor's own mix fades with time.
        return None
    keys = visit.person.known_keys if visit.person is not None else ()
    if keys and remembering.is_alone():
        return None
    return (keys, *remembering.question(visit, config, ask, n))


def find(visit: Visit, name: Hashable) -> Answer | None:
    """Return what was answered before, if it is still right; asks what the shop sells now."""
    with _lock:
        known = _kept.get(name)
        if known is None:
            return None
        _kept.move_to_end(name)
    if visit.version is None or visit.version != known.version:
        return None
    visit.resolve(known.asked)
    return known if known.on_sale == visit.objects.keys() else None


def keep(visit: Visit, name: Hashable, shelf: Shelf, artifact_id: int | None) -> Shelf:
    """Keep a filled shelf under ``name``, if the mirror describes it; return it."""
    if visit.objects_wanted:
        return shelf
    # What was counted before the events were read: what came in between will be noticed.
    version = visit.__dict__.get("version", visit.reading.version)
    answer = Answer(version)
    if version is not None:
        shelf = replace(shelf, texts={})
        answer = Answer(version, tuple(visit.asked), frozenset(visit.objects), shelf, artifact_id)
    with _lock:
        _kept[name] = answer
        _kept.move_to_end(name)
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return shelf
