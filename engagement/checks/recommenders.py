"""Every backend is built once, so that mistakes do not wait for the training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.utils.module_loading import import_string

from engagement.checks.hints import Messages, event_codes, is_event, suggestion, wrong
from engagement.conf import app_settings
from engagement.flows.serving.placements import BUILT_IN
from engagement.learning.recommenders.base import Recommender

CHOICES = {
    "GROUP_BY": ("visitor", "order"),
    "INPUT": ("visitor", "purchases", "context", "nothing"),
    "VARIANT": ("all", "new"),
    "OBJECTIVE": ("click", "conversion", "revenue", "margin"),
}
PARTS_OF_RECOMMENDER = ("GROUP_BY", "INPUT", "EVENTS", "VARIANT", "OBJECTIVE", "CANDIDATES")


def recommenders() -> Messages:
    for alias, spec in app_settings.RECOMMENDERS.items():
        if alias in BUILT_IN:
            yield wrong(
                f"A recommender is called {alias!r}, as a built-in strategy is.",
                "Give it another name.",
            )
        yield from _spec(alias, spec)
        for candidate in spec.get("CANDIDATES", ()):
            yield from _candidate(alias, candidate)


def _spec(alias: str, spec: Mapping[str, Any]) -> Messages:
    for part in spec:
        if part not in PARTS_OF_RECOMMENDER:
            yield Warning(
                f"The recommender {alias!r} has an unknown part {part!r}, which does nothing.",
                hint=suggestion(part, PARTS_OF_RECOMMENDER),
                id="engagement.W001",
            )
    for part in CHOICES:
        if part in spec and spec[part] not in CHOICES[part]:
            yield wrong(
                f"{part} of the recommender {alias!r} is {spec[part]!r}.",
                f"It is one of {', '.join(CHOICES[part])}.",
            )
    for code in spec.get("EVENTS") or ():
        if not is_event(code):
            yield wrong(
                f"The recommender {alias!r} learns from {code!r}, which is no event.",
                suggestion(code, event_codes()),
            )
    if not spec.get("CANDIDATES"):
        yield _cannot_build(alias, "it has no CANDIDATES", "Name at least one backend.")


def _candidate(alias: str, candidate: Mapping[str, Any]) -> Messages:
    path = candidate.get("BACKEND", "")
    try:
        backend = import_string(path)
    except (ImportError, TypeError, AttributeError) as error:
        yield _cannot_build(alias, str(error), 'Check the dotted path in "BACKEND".')
        return
    if not (isinstance(backend, type) and issubclass(backend, Recommender)):
        yield _cannot_build(
            alias,
            f"{path} is not a Recommender",
            "Subclass engagement.learning.recommenders.Recommender.",
        )
        return
    try:
        backend(**candidate.get("OPTIONS", {}))
    except Exception as error:
        yield _cannot_build(alias, f"{path}: {error}", 'Check the names and values in "OPTIONS".')


def _cannot_build(alias: str, why: str, hint: str) -> CheckMessage:
    return Error(
        f"The recommender {alias!r} cannot be built: {why}.", hint=hint, id="engagement.E001"
    )
