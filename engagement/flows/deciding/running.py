"""The points that decide, detached from the database: what a process keeps between polls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Max

from engagement.models import DecisionPoint, PolicyActivation, PolicyState, PolicyVersion


@dataclass(frozen=True, slots=True)
class RunningVersion:
    """A policy as it was set up, and the state that it has reached: None before it has learnt."""

    id: int
    name: str
    backend: str
    options: Mapping[str, Any] = field(hash=False)
    features: tuple[str, ...]
    state_id: int | None = None


@dataclass(frozen=True, slots=True)
class RunningPoint:
    """``live`` decides, unless ``experiment`` names another of ``versions`` for a visitor."""

    id: int
    channel: str
    name: str
    kind: str
    reward: str
    window: timedelta
    hold: timedelta
    # Arm → strategies, of shelves.
    arms: Mapping[str, tuple[str, ...]] = field(hash=False)
    experiment: str
    learns_at_once: bool
    live: RunningVersion | None
    versions: Mapping[str, RunningVersion] = field(hash=False)

    def version(self, name: str | None) -> RunningVersion | None:
        return self.versions.get(name or "", self.live)


def read_all() -> dict[tuple[str, str], RunningPoint]:
    """Return every active point by channel and name, in four queries."""
    live = dict(PolicyActivation.objects.live().values_list("point_id", "version_id"))
    rows = list(DecisionPoint.objects.filter(is_active=True))
    if not rows:
        return {}
    states = dict(
        PolicyState.objects.order_by()
        .values("version_id")
        .annotate(latest=Max("pk"))
        .values_list("version_id", "latest")
    )
    versions: dict[int, dict[str, RunningVersion]] = {}
    for one in PolicyVersion.objects.filter(point__is_active=True).defer("evaluation", "note"):
        versions.setdefault(one.point_id, {})[one.name] = detached(one, states.get(one.pk))
    return {
        (row.channel, row.name): _point(row, versions.get(row.pk, {}), live.get(row.pk))
        for row in rows
    }


def detached(row: PolicyVersion, state_id: int | None) -> RunningVersion:
    return RunningVersion(
        row.pk, row.name, row.backend, dict(row.options), tuple(row.features), state_id
    )


def _point(
    row: DecisionPoint, versions: Mapping[str, RunningVersion], live: int | None
) -> RunningPoint:
    return RunningPoint(
        id=row.pk,
        channel=row.channel,
        name=row.name,
        kind=row.kind,
        reward=row.reward,
        window=timedelta(hours=row.window_hours),
        hold=timedelta(minutes=row.hold_minutes),
        arms={
            str(arm["name"]): tuple(str(one) for one in arm.get("strategies") or ())
            for arm in row.arms or ()
        },
        experiment=row.experiment,
        learns_at_once=row.learns_at_once,
        live=next((one for one in versions.values() if one.id == live), None),
        versions=versions,
    )
