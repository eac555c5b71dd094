"""What events say about promotions: whose they are, and that each is told of once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from engagement.flows.collecting.envelope import NEEDS_PROMOTION
from engagement.flows.collecting.senders import Draft
from engagement.flows.collecting.values import Refused
from engagement.flows.deciding import feedback
from engagement.models import Event


def is_told(draft: Draft) -> bool:
    """Return whether an event says that a promotion of ours was seen or clicked."""
    return bool(draft.decision) and draft.event.event in NEEDS_PROMOTION


def mark(
    drafts: Sequence[Draft], rows: Mapping[int, Sequence[Event]], *, at: datetime
) -> dict[int, Refused]:
    """
    Mark what was seen and clicked, and say in ``rows`` where; return what is refused, by index.

    The same event once more is no second click: it is left to be counted as a duplicate.
    """
    told = [
        feedback.Told(one.index, one.decision, one.event.event, one.event.at)
        for one in drafts
        if is_told(one) and one.index in rows
    ]
    refused: dict[int, Refused] = {}
    for index, found in feedback.take(told, at=at).items():
        if isinstance(found, Refused):
            refused[index] = found
        else:
            for row in rows[index]:
                row.placement = found
    repeated = {
        row.key: index
        for index, problem in refused.items()
        if problem.code == "promotion_repeated"
        for row in rows[index]
    }
    if repeated:
        stored = Event.objects.filter(key__in=list(repeated)).values_list("key", flat=True)
        for key in stored:
            refused.pop(repeated[key], None)
    return refused
