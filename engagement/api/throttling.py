"""How often one visitor may ask for recommendations."""

from __future__ import annotations

import functools
import threading
import time

from django.core.cache import caches
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle
from rest_framework.views import APIView

from engagement.conf import app_settings
from engagement.flows import faults

# A process asks the cache for every so-manieth part of the limit, not at every request.
PARTS = 60
# Visitors that a process counts at a time.
MOST = 10_000


class RecommendationThrottle(BaseThrottle):
    """
    Counts by visitor, else by address, against ``ENGAGEMENT["RECOMMENDATION_RATE"]``.

    Each process counts by itself and adds to the number that all share once a sixtieth of the
    limit has come together: a limit of 600 is kept to within ten a process. Without a cache
    nobody is refused: a shop whose cache is down still sells.
    """

    def __init__(self) -> None:
        self._seconds_left = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        limit, seconds = _rate(app_settings.RECOMMENDATION_RATE)
        if not limit:
            return True
        now = time.time()
        period = int(now // seconds)
        self._seconds_left = (period + 1) * seconds - now
        keys = view.person.known_keys  # type: ignore[attr-defined]
        who = keys[0] if keys else self.get_ident(request)
        try:
            return _counted(who, period, seconds, max(limit // PARTS, 1)) <= limit
        except Exception:
            faults.report("cache", "The cache does not answer; nobody is throttled")
            return True

    def wait(self) -> float:
        return self._seconds_left


class Refused(BaseThrottle):
    """Says again what a throttle has said, without counting a second time."""

    def __init__(self, by: BaseThrottle) -> None:
        self._by = by

    def allow_request(self, request: Request, view: APIView) -> bool:
        return False

    def wait(self) -> float | None:
        return self._by.wait()


_lock = threading.Lock()
# Visitor → the period, what all processes had counted, and what this one has not added yet.
_counts: dict[str, tuple[int, int, int]] = {}


def forget() -> None:
    """Count anew."""
    with _lock:
        _counts.clear()


def _counted(who: str, period: int, seconds: int, part: int) -> int:
    """Count one request; return how many there were in this period, as far as is known here."""
    with _lock:
        last, shared, own = _counts.get(who, (period, 0, 0))
        if last != period:
            shared, own = 0, 0
        own += 1
        due = own >= part
        if len(_counts) >= MOST:
            _counts.clear()
        _counts[who] = (period, shared, 0 if due else own)
    if not due:
        return shared + own
    total = _add(f"engagement:throttle:{who}:{period}", own, seconds)
    with _lock:
        last, _shared, own = _counts.get(who, (period, 0, 0))
        if last == period:
            _counts[who] = (period, total, own)
    return total


@functools.lru_cache
def _rate(rate: str) -> tuple[int, int]:
    """Return how often in how many seconds: (600, 60) of "600/min"; zeros for no limit."""
    if not rate:
        return 0, 0
    number, seconds = _Reader().parse_rate(rate)
    return number or 0, seconds or 0


def _add(key: str, n: int, seconds: int) -> int:
    cache = caches[app_settings.CACHE]
    try:
        return int(cache.incr(key, n))
    except ValueError:
        # Two that come first at once: one adds, both count.
        cache.add(key, 0, seconds + 1)
        return int(cache.incr(key, n))


class _Reader(SimpleRateThrottle):
    """REST framework's own reader of rates, and nothing else of it."""

    def __init__(self) -> None:
        pass
