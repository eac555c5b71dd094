"""Every policy is built once, so that mistakes do not wait for the admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from engagement.checks.hints import Messages, suggestion, wrong
from engagement.conf import app_settings
from engagement.flows.deciding import policies as building
from engagement.models import DecisionPoint

PARTS = ("BACKEND", "OPTIONS", "FOR")


def policies() -> Messages:
    for alias, spec in app_settings.POLICIES.items():
        if not isinstance(spec, Mapping) or "BACKEND" not in spec:
            yield _cannot_build(alias, "it names no BACKEND")
            continue
        yield from _spec(str(alias), spec)
    rate = app_settings.MARGIN_RATE
    if isinstance(rate, int | float) and rate > 1:
        yield wrong(f"ENGAGEMENT['MARGIN_RATE'] is {rate!r}.", "It is a share, from 0 to 1.")


def _spec(alias: str, spec: Mapping[str, Any]) -> Messages:
    for part in spec:
        if part not in PARTS:
            yield Warning(
                f"The policy {alias!r} has an unknown part {part!r}, which does nothing.",
                hint=suggestion(str(part), PARTS),
                id="engagement.W001",
            )
    for reward in spec.get("FOR", ()):
        if reward not in DecisionPoint.Reward.values:
            yield wrong(
                f"The policy {alias!r} is proposed for {reward!r}, which is no reward.",
                suggestion(str(reward), DecisionPoint.Reward.values),
            )
    try:
        building.build(spec["BACKEND"], spec.get("OPTIONS", {}))
    except building.CannotBuild as error:
        yield _cannot_build(alias, str(error))


def _cannot_build(alias: str, why: str) -> CheckMessage:
    return Error(
        f"The policy {alias!r} cannot be built: {why}.",
        hint='Check "BACKEND" and "OPTIONS".',
        id="engagement.E009",
    )
