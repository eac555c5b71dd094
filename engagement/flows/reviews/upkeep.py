"""What is put right once a day, whatever came in past the app or too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engagement.flows.reviews import policy, purchases, ratings


@dataclass(frozen=True, slots=True)
class UpkeepReport:
    """Reviews whose purchase became known, items that were miscounted, reviews decided about."""

    verified: int = 0
    recounted: int = 0
    settled: int = 0


def keep_up(*, channel: str, at: datetime) -> UpkeepReport:
    """
    Verify purchases that reached the event log after their review, settle what was analysed while
    nobody looked, and count all stars anew.
    """
    verified = purchases.verify(channel=channel, at=at)
    settled = policy.settle_pending(channel=channel, at=at)
    # Last, so that what has just changed is counted.
    return UpkeepReport(verified, ratings.refresh(channel=channel, at=at), settled)
