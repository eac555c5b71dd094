"""Every rung of the ladders is built once, so that mistakes do not wait for the weekly training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from engagement.checks.hints import Messages, suggestion, wrong
from engagement.conf import app_settings
from engagement.learning.sentiment.aspects import build_reader
from engagement.learning.sentiment.base import build
from engagement.models import ReasonCode

ALIASES = ("sentiment", "moderation", "aspects")
PARTS = ("NAME", "BACKEND", "OPTIONS", "FROM_LABELS")
WRITER = ("URL", "MODEL", "KEY", "TIMEOUT")


def classifiers() -> Messages:
    for alias, spec in app_settings.CLASSIFIERS.items():
        if alias not in ALIASES:
            yield Warning(
                f"CLASSIFIERS names {alias!r}, which nothing uses.",
                hint=suggestion(alias, ALIASES),
                id="engagement.W001",
            )
        yield from _rungs(alias, spec.get("CANDIDATES") or ())
    yield from _flag_words()
    yield from _writer(app_settings.SUMMARY_WRITER)


def _rungs(alias: str, rungs: Any) -> Messages:
    if not rungs:
        yield _cannot_build(alias, "it has no CANDIDATES", "Name at least one backend.")
        return
    for rung in rungs:
        for part in rung:
            if part not in PARTS:
                yield Warning(
                    f"A rung of {alias!r} has an unknown part {part!r}, which does nothing.",
                    hint=suggestion(part, PARTS),
                    id="engagement.W001",
                )
        try:
            (build_reader if alias == "aspects" else build)(rung)
        except Exception as error:
            yield _cannot_build(
                alias, f"{rung.get('BACKEND')}: {error}", 'Check "BACKEND" and "OPTIONS".'
            )
    if alias == "sentiment" and not any(rung.get("FROM_LABELS", 0) == 0 for rung in rungs):
        yield _cannot_build(
            alias,
            "it has no rung that needs no labels",
            'Put {"BACKEND": "engagement.learning.sentiment.SeedModel"} first.',
        )


def _flag_words() -> Messages:
    known = [*ReasonCode.values, "ok"]
    for code in app_settings.FLAG_WORDS:
        if code not in known:
            yield wrong(
                f"FLAG_WORDS names {code!r}, which is no code.", suggestion(str(code), known)
            )


def _writer(writer: Mapping[str, Any]) -> Messages:
    for part in writer:
        if part not in WRITER:
            yield Warning(
                f"SUMMARY_WRITER has an unknown part {part!r}, which does nothing.",
                hint=suggestion(part, WRITER),
                id="engagement.W001",
            )
    if writer and not writer.get("MODEL"):
        yield wrong(
            "SUMMARY_WRITER names no MODEL.", "Name the model, or the folder that it is in."
        )
    if writer.get("URL") and not str(writer["URL"]).startswith(("http://", "https://")):
        yield wrong(
            f"SUMMARY_WRITER's URL is {writer['URL']!r}.", "Write http://localhost:8080/v1."
        )


def _cannot_build(alias: str, why: str, hint: str) -> CheckMessage:
    return Error(
        f"The classifier {alias!r} cannot be built: {why}.", hint=hint, id="engagement.E007"
    )
