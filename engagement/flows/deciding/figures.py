"""How the arms of a point do: how often each was decided, seen and clicked, and what it earned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Avg, Count, F, Q, Sum

from engagement.flows.deciding import policies
from engagement.models import Decision, DecisionPoint

# Of a normal distribution, 95 %.
Z = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval (Wilson's, 95 %); all None of nothing."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    """
    ``share``: of the decisions; ``chance``: the mean chance that the policy gave it where it could
    be shown. ``clicked`` and ``converted`` are shares of its decisions, of those that are settled
    for orders; ``reward`` is what a settled decision brought.
    """

    name: str
    n: int
    share: float
    chance: float
    n_shown: int
    n_settled: int
    clicked: Rate
    converted: Rate
    reward: Rate


@dataclass(frozen=True, slots=True)
class Standing:
    """All arms of a point, the one decided most often first; ``n_waiting``: not settled yet."""

    arms: list[Arm]
    n: int
    n_waiting: int


def of_point(point: DecisionPoint, *, since: datetime, until: datetime) -> Standing:
    """Return how the arms did among the decisions of a time, in one query."""
    settled = Q(settled_at__isnull=False)
    rows = list(
        Decision.objects.filter(point=point, decided_at__gte=since, decided_at__lte=until)
        .order_by()
        .values("arm")
        .annotate(
            n=Count("pk"),
            chance=Avg("propensity"),
            n_shown=Count("pk", filter=Q(shown_at__isnull=False)),
            n_clicked=Count("pk", filter=Q(clicked_at__isnull=False)),
            n_settled=Count("pk", filter=settled),
            n_converted=Count("pk", filter=Q(orders__gt=0)),
            total=Sum("reward"),
            squares=Sum(F("reward") * F("reward")),
        )
    )
    n = sum(row["n"] for row in rows)
    arms = [
        Arm(
            name=row["arm"],
            n=row["n"],
            share=row["n"] / n,
            chance=row["chance"],
            n_shown=row["n_shown"],
            n_settled=row["n_settled"],
            clicked=rate(row["n_clicked"], row["n"]),
            converted=(
                # Where a click ends the wait, nobody looks for orders.
                Rate()
                if point.reward == DecisionPoint.Reward.CLICK
                else rate(row["n_converted"], row["n_settled"])
            ),
            reward=mean(row["total"], row["squares"], row["n_settled"]),
        )
        for row in rows
    ]
    arms.sort(key=lambda arm: (-arm.n, arm.name == policies.NOTHING, arm.name))
    return Standing(arms, n, n - sum(arm.n_settled for arm in arms))


def rate(k: int, n: int) -> Rate:
    """Return k of n with Wilson's interval, which holds for rare things too (Wilson, 1927)."""
    if not n:
        return Rate()
    p = k / n
    centre = p + Z**2 / (2 * n)
    half = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    scale = 1 + Z**2 / n
    return Rate(p, max((centre - half) / scale, 0.0), min((centre + half) / scale, 1.0))


def mean(total: float | None, squares: float | None, n: int) -> Rate:
    """Return a mean with the interval of the normal distribution; without one for a single."""
    if not n or total is None or squares is None:
        return Rate()
    value = total / n
    if n < 2:
        return Rate(value)
    variance = max(squares / n - value**2, 0.0) * n / (n - 1)
    half = Z * math.sqrt(variance / n)
    return Rate(value, value - half, value + half)
