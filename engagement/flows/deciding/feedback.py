"""That a promotion was seen and clicked: marked once, in time, and only with its token."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from engagement.flows.collecting.values import Refused
from engagement.models import Decision, EventName


@dataclass(frozen=True, slots=True)
class Told:
    """One event about a decision: what a browser says, and when by its own clock."""

    index: int
    key: str
    event: EventName
    at: datetime


@dataclass(slots=True)
class _Known:
    decided_at: datetime
    window: timedelta
    placement: str
    is_shown: bool
    is_clicked: bool


def take(told: Iterable[Told], *, at: datetime) -> dict[int, str | Refused]:
    """
    Mark decisions as seen and clicked; return by index where each was made, or why it is refused.

    Codes: promotion_unknown, promotion_expired (its window is over, by our clock), and
    promotion_repeated, for what was told before. A click says that it was seen.
    """
    some = list(told)
    known = _read(some)
    found: dict[int, str | Refused] = {}
    for one in some:
        try:
            found[one.index] = _take(known.get(one.key), one, at)
        except Refused as problem:
            found[one.index] = problem
    return found


def _take(found: _Known | None, one: Told, at: datetime) -> str:
    if found is None:
        raise _refused("unknown", _("This promotion is not known any more."))
    if at > found.decided_at + found.window:
        raise _refused("expired", _("The promotion is too old."))
    is_click = one.event is EventName.SELECT_PROMOTION
    if found.is_clicked if is_click else found.is_shown:
        raise _repeated()
    # A clock that is behind must not put the click before the decision.
    moment = min(max(one.at, found.decided_at), at)
    if not _mark(one.key, moment, is_click=is_click):
        raise _repeated()
    found.is_shown = True
    found.is_clicked = found.is_clicked or is_click
    return found.placement


def _mark(key: str, moment: datetime, *, is_click: bool) -> bool:
    """Return whether it was not marked before; the condition decides between two at once."""
    rows = Decision.objects.filter(key=key)
    if is_click:
        return bool(
            rows.filter(clicked_at__isnull=True).update(
                clicked_at=moment, shown_at=Coalesce(F("shown_at"), Value(moment))
            )
        )
    return bool(rows.filter(shown_at__isnull=True).update(shown_at=moment))


def _read(told: Iterable[Told]) -> dict[str, _Known]:
    keys = {one.key for one in told}
    if not keys:
        return {}
    rows = Decision.objects.filter(key__in=keys).values_list(
        "key", "decided_at", "point__window_hours", "point__name", "shown_at", "clicked_at"
    )
    return {
        key.hex: _Known(
            decided_at, timedelta(hours=hours), name, shown is not None, clicked is not None
        )
        for key, decided_at, hours, name, shown, clicked in rows
    }


def _refused(code: str, message: str) -> Refused:
    return Refused(f"promotion_{code}", "promotion_id", message)


def _repeated() -> Refused:
    return _refused("repeated", _("This was told before."))
