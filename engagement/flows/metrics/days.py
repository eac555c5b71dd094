"""Days as a shop counts them: from midnight to midnight of the current time zone."""

from __future__ import annotations

from datetime import date, datetime, time

from django.utils import timezone


def midnight(day: date) -> datetime:
    """Return the moment at which a day begins."""
    return timezone.make_aware(datetime.combine(day, time.min))
