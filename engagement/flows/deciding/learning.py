"""
Policies learn from decisions that are settled, in the order of their numbers.

Where a policy stands is one row: its arrays and the number it has got to. Killed half-way or run
twice, it learns from no decision twice and leaves none out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import IntegrityError, router, transaction

from engagement.flows import faults
from engagement.flows.deciding import contexts, policies, settling
from engagement.flows.locks import AlreadyRunning, lock
from engagement.learning.bandits import Policy, State
from engagement.models import (
    Decision,
    DecisionPoint,
    Experiment,
    ExperimentVariant,
    PolicyActivation,
    PolicyState,
    PolicyVersion,
)

logger = logging.getLogger("engagement.deciding")

LONGEST = 30 * 60
# Decisions that are read and learnt from at a time.
PIECE = 2000
# States of a version that are kept, for decisions to be replayed quickly; others are made again
# from the log.
KEEP_STATES = 20
# What a page that learns at once does at most.
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Learnt:
    """How many decisions were settled, and how many each policy has learnt from."""

    n_settled: int = 0
    n_learnt: int = 0


@dataclass(slots=True)
class Progress:
    """A policy on its way through the log."""

    policy: Policy
    arms: list[str]
    features: tuple[str, ...]
    state: State
    until: int = 0
    n: int = 0


def learn_all(*, channel: str | None = None, at: datetime) -> Learnt:
    """Settle and learn at every point; one that fails costs itself alone."""
    rows = DecisionPoint.objects.order_by("pk")
    if channel is not None:
        rows = rows.filter(channel=channel)
    n_settled = n_learnt = 0
    for point in rows:
        try:
            found = learn(point, at=at)
        except AlreadyRunning:
            continue
        except Exception:
            logger.exception("The policies of %s have not learnt", point)
            continue
        n_settled += found.n_settled
        n_learnt += found.n_learnt
    return Learnt(n_settled, n_learnt)


def learn(point: DecisionPoint, *, at: datetime, most: int | None = None) -> Learnt:
    """
    Settle what is due at a point, and let the policies in use there learn from it.

    Raises AlreadyRunning when another process is at it.
    """
    with lock(f"deciding:{point.pk}", seconds=LONGEST):
        n_settled = settling.settle(point, at=at, most=most)
        n_learnt = 0
        for version in in_use(point):
            try:
                n_learnt += catch_up(version, at=at)
            except (ValueError, ArithmeticError):
                logger.exception("The policy %s of %s cannot learn", version, point)
    return Learnt(n_settled, n_learnt)


def learn_at_once(point_id: int, *, at: datetime) -> None:
    """Learn a little from within a page or an event, where the shop wants that. Never raises."""
    try:
        with faults.contained():
            learn(DecisionPoint.objects.get(pk=point_id), at=at, most=AT_ONCE)
    except AlreadyRunning:
        return
    except Exception:
        faults.report(f"learning:{point_id}", "A policy cannot learn at once; the worker will")


def in_use(point: DecisionPoint) -> list[PolicyVersion]:
    """Return the version that is live and those that an experiment gives to visitors."""
    found = {
        row.version_id: row.version
        for row in PolicyActivation.objects.live()
        .filter(point=point)
        .select_related("version__point")
    }
    if point.experiment:
        names = ExperimentVariant.objects.filter(
            experiment__name=point.experiment,
            experiment__channel=point.channel,
            experiment__status=Experiment.Status.RUNNING,
        ).values_list("name", flat=True)
        others = point.versions.filter(name__in=list(names)).select_related("point")
        found.update({row.pk: row for row in others})
    return list(found.values())


def catch_up(version: PolicyVersion, *, at: datetime) -> int:
    """Let a policy learn from what it has not met; return how many decisions that were."""
    progress = resumed(version)
    before = progress.n
    for _ in advance(progress, version):
        pass
    if progress.n == before:
        return 0
    _store(progress, version, at)
    return progress.n - before


def resumed(version: PolicyVersion) -> Progress:
    """
    Return a policy where it was left; at the beginning where its state is damaged.

    What cannot be read is deleted: all of it is in the log.
    """
    policy = policies.of(version)
    rows = PolicyState.objects.filter(version=version).select_related("version")
    for row in rows.order_by("-learnt_until"):
        try:
            state = policies.stored(row)
        except ValueError:
            logger.warning("The state %s of a policy is damaged, and learnt anew", row)
            row.delete()
            continue
        return Progress(policy, list(row.arms), tuple(row.features), state, row.learnt_until, row.n)
    return begun(version, policy)


def begun(version: PolicyVersion, policy: Policy | None = None) -> Progress:
    policy = policy or policies.of(version)
    features = tuple(version.features)
    return Progress(policy, [], features, policy.start(0, len(features)))


def advance(
    progress: Progress, version: PolicyVersion, *, until: int | None = None
) -> Iterator[int]:
    """Learn from the decisions that follow, piece by piece; yield how many each piece held."""
    rows = Decision.objects.filter(point=version.point_id).order_by("settled_number")
    if until is not None:
        rows = rows.filter(settled_number__lte=until)
    columns = ("settled_number", "arm", "context", "reward")
    while piece := list(
        rows.filter(settled_number__gt=progress.until).values_list(*columns)[:PIECE]
    ):
        numbers, arms, known, rewards = zip(*piece, strict=True)
        progress.arms = policies.with_arms(progress.arms, arms)
        n_features = len(progress.features)
        wide = policies.widened(progress.policy, progress.state, len(progress.arms), n_features)
        place = {arm: number for number, arm in enumerate(progress.arms)}
        progress.state = progress.policy.update(
            wide,
            contexts.matrix(known, progress.features),
            [place[arm] for arm in arms],
            np.array(rewards, dtype=np.float64),
        )
        progress.until = numbers[-1]
        progress.n += len(piece)
        yield len(piece)


def _store(progress: Progress, version: PolicyVersion, at: datetime) -> None:
    arrays, sha256 = policies.pack(progress.state)
    try:
        with transaction.atomic(using=router.db_for_write(PolicyState)):
            PolicyState.objects.create(
                version=version,
                learnt_until=progress.until,
                n=progress.n,
                arms=progress.arms,
                features=list(progress.features),
                arrays=arrays,
                sha256=sha256,
                learnt_at=at,
            )
    except IntegrityError:
        # Somebody whose lock had run out has come to the same state.
        return
    old = PolicyState.objects.filter(version=version).order_by("-learnt_until")
    stale = list(old.values_list("pk", flat=True)[KEEP_STATES:])
    PolicyState.objects.filter(pk__in=stale).delete()
