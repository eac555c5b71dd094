"""Policies as they are set up: from the settings or in full, with all that may be known by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engagement.conf import app_settings
from engagement.flows.deciding import contexts
from engagement.models import DecisionPoint, PolicyVersion


def proposed(reward: str) -> str:
    """Return the alias of ``POLICIES`` for a reward: the first that names it, else the first."""
    for alias, spec in app_settings.POLICIES.items():
        if reward in spec.get("FOR", ()):
            return str(alias)
    return str(next(iter(app_settings.POLICIES), ""))


def spec_of(alias: str) -> tuple[str, dict[str, Any]]:
    """Return backend and options of an alias; raises KeyError."""
    spec = app_settings.POLICIES[alias]
    return str(spec["BACKEND"]), dict(spec.get("OPTIONS", {}))


def new_name(point: DecisionPoint) -> str:
    """Return the next name of the kind v1, v2 … that is free."""
    taken = set(point.versions.values_list("name", flat=True))
    number = len(taken) + 1
    while f"v{number}" in taken:
        number += 1
    return f"v{number}"


def make(
    point: DecisionPoint,
    *,
    backend: str,
    options: Mapping[str, Any] | None = None,
    name: str = "",
    note: str = "",
    by: Any = None,
) -> PolicyVersion:
    """Store a policy for a point; it decides once it is activated."""
    return PolicyVersion.objects.create(
        point=point,
        name=name or new_name(point),
        backend=backend,
        options=dict(options or {}),
        features=contexts.names_of(point.channel),
        note=note,
        created_by=by,
    )
