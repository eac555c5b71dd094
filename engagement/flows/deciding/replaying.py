"""A decision made again from what was stored: the same probabilities, or it says why not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engagement.flows.deciding import learning, policies, standing
from engagement.flows.deciding.drawing import DIGITS, LEAST
from engagement.flows.deciding.standing import Standing
from engagement.models import Decision, PolicyState, PolicyVersion

# As far as the log holds them.
CLOSE = 5 * LEAST


@dataclass(frozen=True, slots=True)
class Replayed:
    """
    Probabilities by arm as they come out again. ``from_log``: the state was no longer kept and was
    learnt anew from the log, as far as that is kept.
    """

    probabilities: dict[str, float]
    matches: bool
    from_log: bool
    standing: Standing


def replay(decision: Decision) -> Replayed:
    """Return the chances that the decision's policy gives again, with its state of that time."""
    version = decision.version
    policy, from_log = state_at(version, decision.learnt_until)
    found = policy.chances(decision.context, tuple(decision.arms))
    told = np.array(decision.probabilities, dtype=np.float64)
    return Replayed(
        {arm: round(float(p), DIGITS) for arm, p in zip(decision.arms, found, strict=True)},
        bool(np.allclose(found, told, rtol=1e-6, atol=CLOSE)),
        from_log,
        policy,
    )


def state_at(version: PolicyVersion, learnt_until: int | None) -> tuple[Standing, bool]:
    """Return the policy as it stood, and whether that had to be learnt again from the log."""
    if learnt_until is None:
        return standing.by_chance(), False
    features = tuple(version.features)
    if learnt_until == 0:
        return Standing(policies.of(version), None, (), features, 0), False
    row = (
        PolicyState.objects.filter(version=version, learnt_until=learnt_until)
        .select_related("version")
        .first()
    )
    if row is not None:
        try:
            return standing.of_row(row, policies.of(version)), False
        except policies.Corrupt:
            pass
    progress = learning.begun(version)
    for _ in learning.advance(progress, version, until=learnt_until):
        pass
    again = Standing(
        progress.policy, progress.state, tuple(progress.arms), features, progress.until
    )
    return again, True
