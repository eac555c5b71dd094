"""Where the demonstration shop lets a policy decide: which offer is shown on two of its pages."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from engagement.flows.deciding import activating, versions
from engagement.models import DecisionPoint
from shop_demo.seeding.campaigns import PLACES


def save(at: datetime) -> int:
    """Make the points that are not there yet; return how many that were."""
    n = 0
    for name in PLACES:
        if DecisionPoint.objects.filter(name=name).exists():
            continue
        # Orders of a day, so that a visitor who tries it sees something learnt tomorrow.
        point = DecisionPoint.objects.create(
            name=name, reward=DecisionPoint.Reward.MARGIN, window_hours=24
        )
        backend, options = versions.spec_of(versions.proposed(point.reward))
        version = versions.make(point, backend=backend, options=options)
        activating.activate(version, at=at, rng=np.random.default_rng())
        n += 1
    return n
