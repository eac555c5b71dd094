"""A log of any size, made up from a seed: few items sell most, people have tastes and sessions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Interactions

YEAR = 365 * DAY
EVENTS_A_VISITOR, EVENTS_A_SESSION = 25, 4
TASTES = 3
# The share of events that follow the taste of the session, and that follow the item before.
BY_TASTE, BY_ITEM = 0.8, 0.3
# Draws of items: a uniform number to this power, so that a tenth of the items gets half of all.
STEEPNESS = 3.3


def made_up_log(n_events: int, n_items: int, seed: int = 2026) -> Interactions:
    """
    Return ``n_events`` of about ``n_events`` / 25 visitors in a year, oldest first.

    A visitor has three of the catalogue's shelves (of 100 to 1,000 items) to his taste; a session
    keeps to one of them, an event may follow from the one before it in the session.
    """
    rng = np.random.default_rng(seed)
    n_visitors = max(n_events // EVENTS_A_VISITOR, 1)
    n_shelves = max(min(n_items // 100, 1_000), 1)
    width = n_items // n_shelves
    lengths = rng.geometric(1 / EVENTS_A_SESSION, size=n_events // 2)
    sessions = np.repeat(np.arange(len(lengths)), lengths)[:n_events]
    n_sessions = int(sessions[-1]) + 1
    # A few come daily, most once a season.
    visitors = (n_visitors * rng.random(n_sessions) ** 2).astype(np.int64)
    tastes = (visitors * 2_654_435_761 + 97 * rng.integers(0, TASTES, n_sessions)) % n_shelves
    begins = rng.integers(0, YEAR, n_sessions)
    drawn = (width * rng.random(n_events) ** STEEPNESS).astype(np.int64)
    places = np.where(_with(rng, n_events, BY_ITEM), (np.roll(drawn, 1) * 7 + 1) % width, drawn)
    columns = tastes[sessions] * width + places
    anything = (n_items * rng.random(n_events) ** STEEPNESS).astype(np.int64)
    columns = np.where(_with(rng, n_events, BY_TASTE), columns, anything)
    steps = np.arange(n_events) - np.searchsorted(sessions, sessions)
    moments = begins[sessions] + 40 * steps
    order = np.argsort(moments, kind="stable")
    # Which item is popular must not follow from its number.
    names = rng.permutation(n_items)
    return Interactions(
        rows=visitors[sessions][order].astype(np.int32),
        columns=names[columns[order]].astype(np.int32),
        moments=moments[order],
        weights=np.ones(n_events, dtype=np.float32),
        n_rows=n_visitors,
        n_columns=n_items,
    )


def _with(rng: np.random.Generator, n: int, share: float) -> NDArray[np.bool_]:
    return rng.random(n) < share
