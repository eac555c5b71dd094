"""What each policy has learnt, loaded once a process and renewed soon after it has learnt more."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.flows import faults
from engagement.flows.deciding import contexts, policies
from engagement.flows.deciding.running import RunningVersion
from engagement.learning.bandits import Policy, State, Uniform
from engagement.models import PolicyState

# A state that cannot be read is tried again after this long.
RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """
    What a policy expects of an arm: a reward, made up of what holds in every context and of what
    each feature adds; both in units of ``scale`` ("reward" or "log-odds").
    """

    arm: str
    reward: float
    constant: float
    parts: Mapping[str, float]
    scale: str


@dataclass(frozen=True, eq=False)
class Standing:
    """
    A policy and its state, ready to decide.

    ``learnt_until``: the number of the last decision it has learnt from, 0 before the first; None
    where its state cannot be read and all arms are alike.
    """

    policy: Policy
    state: State | None
    arms: tuple[str, ...]
    features: tuple[str, ...]
    learnt_until: int | None
    state_id: int | None = None

    def chances(self, known: Mapping[str, float], arms: Sequence[str]) -> NDArray[np.float64]:
        """Return how likely each of ``arms`` is, in their order; they sum to 1."""
        state, columns = self._wide(arms)
        allowed = np.zeros(self.policy.n_arms(state), dtype=bool)
        allowed[columns] = True
        row = contexts.vector(known, self.features)
        found = self.policy.probabilities(state, row[None, :], allowed=allowed)[0]
        return np.asarray(found[columns])

    def expectations(self, known: Mapping[str, float], arms: Sequence[str]) -> list[Expectation]:
        """Return what the policy expects of each of ``arms``, in their order, and why."""
        state, columns = self._wide(arms)
        told = self.policy.explain(state, contexts.vector(known, self.features))
        return [
            Expectation(
                arm,
                float(told.expected[column]),
                float(told.constant[column]),
                dict(zip(self.features, told.parts[column].tolist(), strict=True)),
                told.scale,
            )
            for arm, column in zip(arms, columns, strict=True)
        ]

    def _wide(self, arms: Sequence[str]) -> tuple[State, list[int]]:
        """Return a state that has room for ``arms``, and where each of them is in it."""
        every = policies.with_arms(self.arms, arms)
        place = {arm: number for number, arm in enumerate(every)}
        state = (
            self.policy.start(len(every), len(self.features))
            if self.state is None
            else policies.widened(self.policy, self.state, len(every), len(self.features))
        )
        return state, [place[arm] for arm in arms]


class _Memory:
    def __init__(self) -> None:
        self.known: dict[int, Standing] = {}
        self.failed: dict[int, float] = {}
        self.lock = threading.Lock()


_memory = _Memory()


def forget() -> None:
    """Read every state again at the next need."""
    global _memory
    _memory = _Memory()


def of(version: RunningVersion) -> Standing:
    """
    Return the policy with its latest state; one query where that is new to this process.

    What cannot be read decides as it did before, or by chance alone: never raises.
    """
    memory = _memory
    known = memory.known.get(version.id)
    if known is not None and known.state_id == version.state_id:
        return known
    failed = memory.failed.get(version.id)
    if failed is not None and time.monotonic() - failed < RETRY_SECONDS:
        return known or by_chance()
    # While one thread reads, the others decide by what was known.
    if not memory.lock.acquire(blocking=known is None):
        return known or by_chance()
    try:
        with faults.contained():
            known = memory.known[version.id] = load(version)
        memory.failed.pop(version.id, None)
    except Exception:
        memory.failed[version.id] = time.monotonic()
        faults.report(f"policy:{version.id}", "The state of policy %s cannot be read", version.name)
    finally:
        memory.lock.release()
    return known or by_chance()


def by_chance() -> Standing:
    return Standing(Uniform(), None, (), (), None)


def load(version: RunningVersion) -> Standing:
    """Return the policy with the state that ``version`` names; raises where it cannot be read."""
    policy = policies.build(version.backend, version.options)
    if version.state_id is None:
        return Standing(policy, None, (), version.features, 0)
    row = PolicyState.objects.select_related("version").get(pk=version.state_id)
    return of_row(row, policy)


def of_row(row: PolicyState, policy: Policy) -> Standing:
    return Standing(
        policy,
        policies.stored(row),
        tuple(row.arms),
        tuple(row.features),
        row.learnt_until,
        row.pk,
    )
