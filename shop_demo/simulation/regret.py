"""What decisions were worth beside the best there was: regret, as it adds up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.models import Decision
from shop_demo.simulation.visiting import Noted

Float64 = NDArray[np.float64]
CHUNK = 500


@dataclass(frozen=True)
class Regret:
    """
    Of one point, in its own reward, added up decision by decision, each of length n.

    ``policy``, ``chance`` (every arm alike) and ``fixed`` (the arm that is the best one to show to
    everybody, known only afterwards) against the best arm for each visit. ``best``: that arm's
    worth, which nobody can beat.
    """

    policy: Float64
    chance: Float64
    fixed: Float64
    best: Float64
    fixed_arm: str

    def __len__(self) -> int:
        return len(self.policy)


def of_point(noted: Sequence[Noted]) -> Regret:
    """Return the regret of decisions, oldest first; arms that could not be shown do not count."""
    allowed = _allowed(one.key for one in noted)
    arms = sorted({arm for some in allowed.values() for arm in some})
    column = {arm: number for number, arm in enumerate(arms)}
    worth = np.full((len(noted), len(arms)), np.nan)
    got = np.zeros(len(noted))
    for row, one in enumerate(noted):
        for arm in allowed.get(one.key, (one.arm,)):
            worth[row, column[arm]] = one.worth.get(arm, one.worth[""])
        got[row] = one.worth.get(one.arm, one.worth[""])
    best = np.nanmax(worth, axis=1)
    # Where an arm may not be shown, whoever always shows it shows nothing.
    always = np.where(np.isnan(worth), worth[:, [column[""]]], worth)
    fixed = int(always.sum(axis=0).argmax())
    return Regret(
        policy=(best - got).cumsum(),
        chance=(best - np.nanmean(worth, axis=1)).cumsum(),
        fixed=(best - always[:, fixed]).cumsum(),
        best=best.cumsum(),
        fixed_arm=arms[fixed],
    )


def _allowed(keys: Iterable[str]) -> dict[str, list[str]]:
    wanted = list(dict.fromkeys(keys))
    found: dict[str, list[str]] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = Decision.objects.filter(key__in=wanted[start : start + CHUNK])
        found.update({key.hex: arms for key, arms in rows.values_list("key", "arms")})
    return found


def shares(noted: Sequence[Noted]) -> Mapping[str, Mapping[str, float]]:
    """Return how often each arm was shown to those who like a department best."""
    counts: dict[str, dict[str, int]] = {}
    for one in noted:
        own = counts.setdefault(one.favourite, {})
        own[one.arm] = own.get(one.arm, 0) + 1
    return {
        name: {arm: n / sum(own.values()) for arm, n in sorted(own.items(), key=lambda it: -it[1])}
        for name, own in sorted(counts.items())
    }
