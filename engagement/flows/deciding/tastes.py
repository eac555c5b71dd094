"""
What a policy may know of tastes: which share of what a visitor did is about each wide category.

A policy is set up with the categories that matter most in its shop, each a feature of its own: what
it learns about them can be read, and no two of them share a column.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from django.db.models import Count, Sum

from engagement.models import Item, VisitorTaste

PREFIX = "taste:"
# So many categories a policy knows at most, and so many of a visitor are written down.
MOST = 16
# Policies that were set up before had so many columns, each for the categories that a hash put
# there. They go on seeing them.
HASHED = tuple(f"taste_{column}" for column in range(8))


def widest(path: str) -> str:
    return path.partition(" > ")[0]


def names(channel: str) -> list[str]:
    """
    Return the features of a channel's categories, ``MOST`` at most: those that visitors had most to
    do with, then those with the most items.
    """
    rows = VisitorTaste.objects.filter(channel=channel).values_list("category")
    met = _by_widest(rows.annotate(n=Sum("share")).order_by())
    kept = Item.objects.of_channel(channel).filter(is_active=True).exclude(category="")
    items = _by_widest(kept.values_list("category").annotate(n=Count("pk")).order_by())
    best = sorted(items, key=lambda name: (-met[name], -items[name], name))
    return [PREFIX + name for name in best[:MOST]]


def _by_widest(rows: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for path, n in rows:
        found[widest(path)] += n
    return found


def known(shares: Mapping[str, float]) -> dict[str, float]:
    """Return the features of one visitor: the ``MOST`` widest categories with the largest share."""
    best = sorted((one for one in shares if one), key=lambda name: (-shares[name], name))
    return {PREFIX + name: min(max(shares[name], 0.0), 1.0) for name in best[:MOST]}


def hashed(logged: Mapping[str, float], name: str) -> float:
    """Return what a column of the old kind holds of a context that was logged by category."""
    if name not in HASHED:
        return 0.0
    return sum(
        float(share)
        for key, share in logged.items()
        if key.startswith(PREFIX) and _column(key.removeprefix(PREFIX)) == name
    )


def _column(category: str) -> str:
    """Return the column of a category, the same on every machine."""
    return HASHED[hashlib.blake2b(category.encode(), digest_size=2).digest()[0] % len(HASHED)]
