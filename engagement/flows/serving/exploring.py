"""
New items get a share of the places, so that the models can learn what they are worth.

Which item comes where is drawn by chance, and with what chance is told with the impression: what
is learnt from it can be corrected for it. The draw is the same for one visitor for an hour, so
that a page that is loaded again stays as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from engagement.flows.serving import popular
from engagement.flows.serving.candidates import EXPLORED, Candidate
from engagement.flows.serving.placements import PlacementConfig
from engagement.flows.serving.table import Mask, Table
from engagement.flows.serving.visit import Visit

# The same draw for so long.
STEADY_SECONDS = 3600
# For each place so many items are drawn: some turn out to be sold out, some are shown anyway.
TRIES = 4


def rng_of(visit: Visit, config: PlacementConfig) -> np.random.Generator:
    """Return the chance of one visitor, one placement and one hour."""
    hour = int(visit.at.timestamp()) // STEADY_SECONDS
    keys = visit.person.keys if visit.person is not None else ()
    text = "\0".join((visit.channel, *keys[:1], config.name, str(hour)))
    seed = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed, "big"))


def draw(
    visit: Visit, config: PlacementConfig, n: int, allowed: Callable[[Table], Mask]
) -> tuple[list[int], list[Candidate]]:
    """
    Return which of ``n`` places (from 0) new items get, and new items in the order of their draw.

    Each place is given away with the placement's share. An item that was shown k times lately is
    drawn with a chance in proportion to 1 / (1 + k) among those that are left; its ``propensity``
    is the share times that chance.
    """
    rng = rng_of(visit, config)
    places = np.flatnonzero(rng.random(n) < config.exploration).tolist()
    if not places:
        return [], []
    newcomers = popular.newcomers(visit.channel, at=visit.at)
    table = newcomers.table
    if not len(table):
        return [], []
    seldom = 1.0 / (1.0 + np.asarray(newcomers.counts, dtype=np.float64))
    left = np.where(allowed(table), seldom, 0.0)
    picked = []
    for _ in range(min(TRIES * len(places), int((left > 0.0).sum()))):
        chances = left / left.sum()
        place = int(rng.choice(len(left), p=chances))
        picked.append(_candidate(table, place, config.exploration * float(chances[place])))
        left[place] = 0.0
    return places, picked


def _candidate(table: Table, place: int, propensity: float) -> Candidate:
    return Candidate(
        key=table.key(place),
        score=0.0,
        source=EXPLORED,
        step=-1,
        category=table.category(place),
        group=table.group(place),
        lookalike=table.lookalike(place),
        propensity=propensity,
    )
