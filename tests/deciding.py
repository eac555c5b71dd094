"""Points that decide, with policies of a test's own choosing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from engagement.flows.deciding import contexts
from engagement.flows.serving import live
from engagement.learning.bandits import Policy, Uniform
from engagement.learning.bandits.base import Float64, Mask
from engagement.models import Decision, DecisionPoint, PolicyActivation, PolicyVersion, Visitor
from tests.conftest import MONDAY

UNIFORM = "engagement.learning.bandits.Uniform"
GREEDY = "engagement.learning.bandits.EpsilonGreedy"
LOGISTIC = "engagement.learning.bandits.LogisticThompson"
LINEAR = "engagement.learning.bandits.LinearThompson"
MONEY = "engagement.learning.bandits.HurdleThompson"
SHELF = "home.for_you"
ARMS = [
    {"name": "personal", "strategies": ["for_you"]},
    {"name": "popular", "strategies": ["trending"]},
]


class Broken(Policy):
    """Cannot say anything."""

    floor = 0.0

    def start(self, n_arms: int, n_features: int = 0) -> dict[str, Any]:
        return {"pulls": np.zeros(n_arms)}

    def wanted(self, state: Any, contexts: Float64, allowed: Mask) -> Float64:
        raise ArithmeticError("broken")


class Eager(Uniform):
    """Offers something to everybody: the first arm of a point that has not learnt is none."""

    def wanted(self, state: Any, contexts: Float64, allowed: Mask) -> Float64:
        some = allowed.copy()
        some[:, 0] &= allowed[:, 1:].sum(axis=1) == 0
        return some / some.sum(axis=1, keepdims=True)


def make_point(
    name: str = SHELF, *, backend: str = UNIFORM, options: dict | None = None, **fields: Any
) -> DecisionPoint:
    """Create a point that decides by ``backend`` from MONDAY on."""
    fields = {
        "kind": DecisionPoint.Kind.STRATEGIES,
        "arms": ARMS,
        "reward": DecisionPoint.Reward.CLICK,
        "window_hours": 24,
        **fields,
    }
    point = DecisionPoint.objects.create(name=name, **fields)
    go_live(make_version(point, backend, options))
    return point


def make_version(
    point: DecisionPoint, backend: str = UNIFORM, options: dict | None = None, **fields: Any
) -> PolicyVersion:
    fields = {"name": f"v{point.versions.count() + 1}", "features": list(contexts.NAMES), **fields}
    return PolicyVersion.objects.create(
        point=point, backend=backend, options=options or {}, **fields
    )


def go_live(version: PolicyVersion, *, at: datetime = MONDAY) -> PolicyActivation:
    row = PolicyActivation.objects.create(point=version.point, version=version, activated_at=at)
    live.forget()
    return row


def make_decision(
    point: DecisionPoint, visitor: Visitor, arm: str, *, at: datetime, **fields: Any
) -> Decision:
    """Store a decision between the point's arms, all alike."""
    arms = fields.pop("arms", [one["name"] for one in point.arms] or ["", arm])
    fields = {
        "key": fields.pop("key", None) or f"{Decision.objects.count() + 1:032x}",
        "version": point.versions.first(),
        "learnt_until": 0,
        "arms": arms,
        "probabilities": [1 / len(arms)] * len(arms),
        "propensity": 1 / len(arms),
        **fields,
    }
    return Decision.objects.create(point=point, visitor=visitor, arm=arm, decided_at=at, **fields)


def make_decisions(
    point: DecisionPoint,
    n: int,
    chance_of: Any,
    *,
    rng: np.random.Generator,
    since: datetime = MONDAY,
) -> list[Decision]:
    """
    Store ``n`` decisions of as many visitors, drawn evenly, a minute apart; nothing is settled.

    ``chance_of(arm, context)`` tells how likely a click is.
    """
    arms = [one["name"] for one in point.arms]
    visitors = Visitor.objects.bulk_create(
        Visitor(key=f"d{point.pk}-{number}-{rng.integers(2**40):x}") for number in range(n)
    )
    version = point.versions.first()
    rows = []
    for number, visitor in enumerate(visitors):
        known = {"phone": float(rng.integers(2))}
        arm = arms[int(rng.integers(len(arms)))]
        at = since + timedelta(minutes=number)
        clicked = at if rng.random() < chance_of(arm, known) else None
        rows.append(
            Decision(
                key=rng.bytes(16).hex(),
                point=point,
                version=version,
                learnt_until=0,
                visitor=visitor,
                decided_at=at,
                arm=arm,
                arms=arms,
                probabilities=[1 / len(arms)] * len(arms),
                propensity=1 / len(arms),
                context=known,
                shown_at=at,
                clicked_at=clicked,
            )
        )
    return Decision.objects.bulk_create(rows)
