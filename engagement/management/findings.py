"""What ``engagement_check`` has looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at; ``advice`` is empty where all is well."""

    about: str
    text: str
    advice: str = ""
