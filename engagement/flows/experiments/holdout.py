"""
The global hold-out: visitors who get no personalisation at all, to compare the others with.

Who belongs to it follows from the visitor's key. Raising ``HOLDOUT_SHARE`` adds visitors and lets
nobody out; lowering it lets some out and adds nobody.
"""

from __future__ import annotations

from django.db.models import Q

from engagement.conf import app_settings
from engagement.flows.experiments.units import Someone, unit
from engagement.learning.experiments import position
from engagement.models import Visitor

PLACES = 10_000
SALT = "engagement/holdout"
# So many visitors get their place in one statement.
CHUNK = 2000


def is_held_out(visitor: Someone | None) -> bool:
    """
    Return whether a visitor is to be left alone: the same answer on every device once signed in.

    False for those of whom nothing may be known: they get nothing personal anyway.
    """
    limit = threshold()
    if not limit:
        return False
    key = unit(visitor)[1]
    return bool(key) and bucket(key) < limit


def threshold() -> int:
    """Return below which of the 10,000 places visitors are held out."""
    return round(min(max(float(app_settings.HOLDOUT_SHARE), 0.0), 1.0) * PLACES)


def bucket(key: str) -> int:
    """Return the place of a key among 10,000."""
    return int(position(key, SALT) * PLACES)


def give_places(*, channel: str) -> int:
    """Write down the places of visitors who have none yet; return how many that were."""
    total = 0
    waiting = Visitor.objects.filter(channel=channel, bucket__isnull=True).order_by("pk")
    while rows := list(waiting.values_list("pk", "key")[:CHUNK]):
        Visitor.objects.bulk_update(
            [Visitor(pk=pk, bucket=bucket(key)) for pk, key in rows], ["bucket"], batch_size=300
        )
        total += len(rows)
    return total


def held_out(prefix: str = "") -> Q:
    """
    Return the condition that a visitor is held out; ``prefix``, as ``visitor__``, leads there.

    A visitor who has signed in belongs where the customer does.
    """
    limit = threshold()
    own = Q(**{f"{prefix}merged_into__isnull": True, f"{prefix}bucket__lt": limit})
    return own | Q(**{f"{prefix}merged_into__bucket__lt": limit})
