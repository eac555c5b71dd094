"""
What shelves lead to, taken from events as they are stored: their tokens were checked before.

An offer's own events name its decision. Those of a shelf name the place: they belong to what was
decided there for the visitor last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from engagement.flows.deciding import learning
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.serving import live
from engagement.models import Decision, DecisionPoint, Event, EventName

SEEN, CLICKED = EventName.VIEW_ITEM_LIST, EventName.SELECT_ITEM
# What may make a reward final, or move a window's end past somebody's order.
TEACH = frozenset({SEEN, CLICKED, EventName.SELECT_PROMOTION, EventName.PURCHASE})


def follow(events: Sequence[Event], *, channel: str, at: datetime) -> None:
    """Mark what was seen and clicked on shelves that a policy fills; learn where that is due."""
    # First: what teaches nothing, most of what happens, must not ask what is live.
    if not any(event.event in TEACH for event in events):
        return
    points = {
        name: point
        for (owner, name), point in live.state().points.items()
        if owner == channel and point.live is not None
    }
    if not points:
        return
    for (visitor, name, event), moment in _first(events, points).items():
        _mark(points[name], visitor, moment, is_click=event == CLICKED)
    for point in points.values():
        if point.learns_at_once:
            learning.learn_at_once(point.id, at=at)


def _first(
    events: Iterable[Event], points: dict[str, RunningPoint]
) -> dict[tuple[int, str, int], datetime]:
    """Return when each visitor first saw and clicked each shelf, in these events."""
    found: dict[tuple[int, str, int], datetime] = {}
    for event in events:
        point = points.get(event.placement)
        if (
            event.event not in (SEEN, CLICKED)
            or event.visitor_id is None
            or point is None
            or point.kind != DecisionPoint.Kind.STRATEGIES
        ):
            continue
        key = (event.visitor_id, event.placement, event.event)
        found[key] = min(found.get(key, event.event_time), event.event_time)
    return found


def _mark(point: RunningPoint, visitor: int, moment: datetime, *, is_click: bool) -> None:
    last = (
        Decision.objects.filter(
            Q(visitor=visitor) | Q(visitor__merged_into=visitor),
            point_id=point.id,
            decided_at__lte=moment,
            decided_at__gte=moment - point.window,
        )
        .order_by("-decided_at", "-pk")
        .values_list("pk", "shown_at", "clicked_at")
        .first()
    )
    if last is None or last[2 if is_click else 1] is not None:
        return
    rows = Decision.objects.filter(pk=last[0])
    if is_click:
        seen = Coalesce(F("shown_at"), Value(moment))
        # What is settled stays as it was learnt from.
        rows.filter(settled_at__isnull=True).update(clicked_at=moment, shown_at=seen)
    else:
        rows.update(shown_at=moment)
