"""What all this earns of the simulated visitors alone, beside those of them who are held out."""

from __future__ import annotations

from datetime import date

import numpy as np
from django.db.models import Sum

from engagement.flows.experiments import holdout
from engagement.learning.experiments import Effect, Moments, effect
from engagement.models import VisitorDay
from shop_demo.simulation.world import MARK

MEASURES = ("orders", "revenue")


def uplifts(*, since: date, until: date, channel: str = "") -> dict[str, Effect]:
    """
    Return orders and revenue of a visitor between two days, both included, against the hold-out.

    Empty where nobody is held out. The dashboard says the same of all visitors: purchases of the
    households that the shop was filled with count there, and nothing was offered for them.
    """
    limit = holdout.threshold()
    if not limit:
        return {}
    rows = (
        VisitorDay.objects.filter(
            channel=channel, day__gte=since, day__lte=until, visitor__key__startswith=MARK
        )
        .order_by()
        .values("visitor", "visitor__bucket")
        .annotate(orders=Sum("orders"), revenue=Sum("revenue"))
        .values_list("visitor__bucket", "orders", "revenue")
    )
    found = np.array([[bucket < limit, n, money] for bucket, n, money in rows], dtype=float)
    if not len(found):
        return {}
    held = found[:, 0] > 0
    return {
        name: effect(Moments.of(found[held, column]), Moments.of(found[~held, column]))
        for column, name in enumerate(MEASURES, start=1)
    }
