"""
What ought to have been done and was not: found by asking the database, not by keeping a list.

A training that was lost, with its worker or with the queue, shows as a model that is missing or
too old, however it was lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from engagement.conf import app_settings
from engagement.models import Event, EventName, Item, ModelArtifact

# A model counts as overdue when it is this much older than it should become: by then the regular
# training has had its chance.
GRACE = 1.25


@dataclass(frozen=True, slots=True)
class Due:
    """A recommender whose training did not happen."""

    channel: str
    alias: str
    trained_at: datetime | None

    def __str__(self) -> str:
        where = f" of {self.channel}" if self.channel else ""
        when = f"last trained {self.trained_at:%Y-%m-%d %H:%M}" if self.trained_at else "missing"
        return f"{self.alias}{where}: {when}"


def channels() -> list[str]:
    """Return the shops that there is anything to learn about."""
    found = Item.objects.order_by("channel").values_list("channel", flat=True).distinct()
    return [channel for channel in found if _happened(channel, [event.code for event in EventName])]


def aliases(channel: str) -> list[str]:
    """Return the recommenders that find something to learn from, in the order of the settings."""
    learns_from = {
        alias: spec.get("EVENTS") or [*app_settings.EVENT_WEIGHTS]
        for alias, spec in app_settings.RECOMMENDERS.items()
    }
    return [alias for alias, codes in learns_from.items() if _happened(channel, codes)]


def _happened(channel: str, codes: Iterable[str]) -> bool:
    numbers = [EventName.from_code(code) for code in codes]
    events = Event.objects.filter(channel=channel, event__in=numbers, item__isnull=False)
    return events.exists()


def due(*, at: datetime) -> list[Due]:
    """Return the recommenders whose model is missing or overdue, though it could be trained."""
    oldest = at - GRACE * timedelta(hours=app_settings.TRAIN_EVERY_HOURS)
    found = []
    for channel in channels():
        rows = ModelArtifact.objects.filter(channel=channel).values("alias")
        trained = dict(rows.annotate(latest=Max("trained_at")).values_list("alias", "latest"))
        for alias in aliases(channel):
            latest = trained.get(alias)
            if latest is None or latest < oldest:
                found.append(Due(channel, alias, latest))
    return found
