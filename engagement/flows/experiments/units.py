"""Under which key somebody takes part: the customer's once signed in, on every device the same."""

from __future__ import annotations

from engagement.flows.collecting.identity import Person
from engagement.models import Visitor

# Either is somebody: who asks right now, or the row of who has been here.
Someone = Person | Visitor


def unit(someone: Someone | None) -> tuple[str, str]:
    """Return channel and key of a visitor; the key is "" for those of whom nothing may be known."""
    if someone is None:
        return "", ""
    if isinstance(someone, Visitor):
        root = someone.merged_into if someone.merged_into_id is not None else someone
        return someone.channel, (root or someone).key
    return someone.channel, someone.keys[0] if someone.keys else ""
