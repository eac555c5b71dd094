"""What Prometheus may know: how fast shelves are, what fills them, what happens in the shop."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from time import perf_counter

from prometheus_client import Counter, Histogram

from engagement.models import Event, EventName

SECONDS = Histogram(
    "engagement_recommend_seconds",
    "Time to fill one shelf, its page's other shelves included when it is the first.",
    ["placement"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
SHELVES = Counter(
    "engagement_shelves", "Shelves by what filled their first place.", ["placement", "source"]
)
EVENTS = Counter("engagement_events", "Events stored by this process.", ["event"])
FAILURES = Counter(
    "engagement_receiver_failures",
    "What a shop's signal led to and could not be done.",
    ["receiver"],
)


# Names of placements and strategies are few; finding a counter by its labels takes a lock.
@functools.lru_cache(maxsize=1000)
def _seconds(placement: str) -> Histogram:
    return SECONDS.labels(placement)


@functools.lru_cache(maxsize=1000)
def _shelves(placement: str, source: str) -> Counter:
    return SHELVES.labels(placement, source)


class timed:  # noqa: N801
    """Observe how long what happens inside takes."""

    __slots__ = ("_placement", "_started")

    def __init__(self, placement: str) -> None:
        self._placement = placement

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(self, *fault: object) -> None:
        _seconds(self._placement).observe(perf_counter() - self._started)


def count_shelf(placement: str, source: str) -> None:
    _shelves(placement, source or "none").inc()


def count_failure(receiver: str) -> None:
    FAILURES.labels(receiver).inc()


def follow_events(*, events: Sequence[Event], **kwargs: object) -> None:
    for event in events:
        EVENTS.labels(EventName(event.event).code).inc()
