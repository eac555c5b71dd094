"""Having a text read at once, so that its author is told at once."""

from __future__ import annotations

from datetime import datetime

from engagement.flows import faults
from engagement.flows.understanding.analyse import analyse_now
from engagement.models import Review


def read_and_settle(review: Review, *, at: datetime) -> Review:
    """
    Analyse a review, after which policy decides about it; return it as it stands then.

    Where reading fails it stays pending, and the sweep reads it later: nothing is published that
    nobody has looked at.
    """
    try:
        with faults.contained():
            analyse_now(review, at=at)
    except Exception:
        faults.report("review.analysis", "A review cannot be analysed; it waits for the sweep")
    review.refresh_from_db()
    return review
