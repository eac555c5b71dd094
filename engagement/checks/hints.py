"""What checks say, and how they help."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error

from engagement.models import EventName

Messages = Iterator[CheckMessage]


def suggestion(name: str, known: Any) -> str:
    """Return the hint for a name that does not exist."""
    close = difflib.get_close_matches(name.upper(), list(known), n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known are {', '.join(sorted(known))}."


def wrong(what: str, hint: str) -> CheckMessage:
    return Error(what, hint=hint, id="engagement.E004")


def event_codes() -> list[str]:
    return [event.code for event in EventName]


def is_event(code: object) -> bool:
    return code in event_codes()
