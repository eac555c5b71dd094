"""
Counts how often something was done by somebody in a while, in Django's cache.

Without a cache nothing is counted and so nobody is refused: a shop whose cache is down still sells.
"""

from __future__ import annotations

from collections.abc import Collection

from django.core.cache import caches

from engagement.conf import app_settings
from engagement.flows import faults

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# An office or a mobile network shows one address for all its people; of those without a cookie,
# who may be one machine that throws it away each time, fewer are let through.
VISITORS_AN_ADDRESS = 20
STRANGERS_AN_ADDRESS = 3


def limit(rate: str) -> tuple[int, int]:
    """Return how often in how many seconds: (600, 60) of "600/min"; zeros for no limit."""
    if not rate:
        return 0, 0
    n, period = rate.split("/")
    return int(n), SECONDS[period[0]]


def tallies(
    name: str, keys: Collection[str], address: str, *, most: int, period: int
) -> dict[str, int]:
    """
    Return what to count one act of somebody under, and up to how much each may go.

    ``keys`` are the person's, none of a stranger; ``period`` is the number of the stretch of time.
    """
    place = f"engagement:{name}:{period}"
    if not keys:
        return {f"{place}:new:{address}": most * STRANGERS_AN_ADDRESS}
    own = next(iter(keys))
    return {f"{place}:{own}": most, f"{place}:ip:{address}": most * VISITORS_AN_ADDRESS}


def add(key: str, n: int = 1, *, seconds: int) -> int:
    """Count ``n`` more; return how many that makes, 0 without a cache."""
    try:
        cache = caches[app_settings.CACHE]
        cache.add(key, 0, timeout=2 * seconds)
        return int(cache.incr(key, n))
    except Exception:
        faults.report("cache", "The cache does not answer; nobody is throttled")
        return 0


def read(keys: Collection[str]) -> dict[str, int]:
    """Return what was counted; nothing without a cache."""
    try:
        found: dict[str, int] = caches[app_settings.CACHE].get_many(list(keys))
        return found
    except Exception:
        faults.report("cache", "The cache does not answer; nobody is throttled")
        return {}
