"""The names and the plain values of the ENGAGEMENT setting."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.checks import Warning

from engagement.checks.hints import Messages, event_codes, is_event, suggestion, wrong
from engagement.conf import DEFAULTS, app_settings

CONSENT = ("opt_in", "opt_out", "not_needed")
NUMBERS = tuple(
    name
    for name, value in DEFAULTS.items()
    if isinstance(value, int | float) and not isinstance(value, bool)
)
RATES = ("EVENT_RATE", "RECOMMENDATION_RATE", "REVIEW_RATE", "VOTE_RATE", "CODE_RATE")


def unknown_names() -> Messages:
    for name in getattr(settings, "ENGAGEMENT", {}):
        if name not in DEFAULTS:
            yield Warning(
                f"ENGAGEMENT[{name!r}] is no setting and does nothing.",
                hint=suggestion(str(name), DEFAULTS),
                id="engagement.W001",
            )


def values() -> Messages:
    if app_settings.CONSENT not in CONSENT:
        yield wrong(
            f"ENGAGEMENT['CONSENT'] is {app_settings.CONSENT!r}.",
            f"It is one of {', '.join(CONSENT)}.",
        )
    for name in NUMBERS:
        value = getattr(app_settings, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            yield wrong(f"ENGAGEMENT[{name!r}] is {value!r}.", "It is a number, not below zero.")
    for name in RATES:
        rate = getattr(app_settings, name)
        if rate and not re.fullmatch(r"\d+/(s|m|h|d)[a-z]*", str(rate)):
            yield wrong(
                f"ENGAGEMENT[{name!r}] is {rate!r}.", 'Write it as "600/min", or "" for no limit.'
            )
    for code, weight in app_settings.EVENT_WEIGHTS.items():
        if not is_event(code):
            yield wrong(
                f"ENGAGEMENT['EVENT_WEIGHTS'] names the event {code!r}, which does not exist.",
                suggestion(code, event_codes()),
            )
        elif not isinstance(weight, int | float) or weight < 0:
            yield wrong(f"The weight of {code!r} is {weight!r}.", "It is a number, not below zero.")
