"""The flags of a text that is no review: a question, an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from engagement.flows import faults
from engagement.flows.understanding.flags import finding, word_lists
from engagement.flows.understanding.flags.base import Subject


def flags_of(
    text: str, *, kind: str, key: str, channel: str, language: str, at: datetime
) -> Sequence[Mapping[str, Any]] | None:
    """Return the flags that rules raise for a text; None where nobody could look at it."""
    subject = Subject(
        kind=kind, key=key, channel=channel, text=text, written_at=at, language=language
    )
    try:
        return [flag.as_json() for flag in finding.in_text(subject, word_lists.watched(channel))]
    except Exception:
        faults.report("review.flags", "A text cannot be looked at; it waits for a person")
        return None
