"""Which items get to be ranked, out of what several members propose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32
from engagement.learning.recommenders.ranking import first_of_each, largest
from engagement.learning.recommenders.spoken import Spoken, best_of_one

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Proposals:
    """
    Candidates as (history, column), sorted, and what the members say of each.

    ``said`` holds two values a member, its score and its standing (by how many standard
    deviations the score exceeds the member's mean over all items), and the total of all
    standings. ``proposed_by``: candidates × members, which of them a member proposed itself.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    said: Float32
    proposed_by: Mask


def propose(
    scores: Sequence[Float32],
    owned: Float32,
    allowed: Mask,
    *,
    n_candidates: int,
    n_ranked: int,
    n_owned: int,
) -> Proposals:
    """
    Let each member propose the ``n_candidates`` best of what is ``allowed`` and not ``owned`` and
    scores above zero; of all proposals the ``n_ranked`` of best total standing stay, and of what is
    allowed and owned the ``n_owned`` that are owned most (above zero).
    """
    shape = allowed.shape
    n_columns = shape[1]
    is_owned = owned > 0
    fresh = (allowed & ~is_owned).astype(np.float32)
    eligible = np.empty(shape, dtype=np.float32)
    marked = np.zeros(shape, dtype=bool).ravel()
    mine, levels = [], []
    for score in scores:
        rows, columns = largest(np.multiply(score, fresh, out=eligible), n_candidates)
        mine.append(rows * n_columns + columns)
        marked[mine[-1]] = True
        mean = score.mean(axis=1)
        np.subtract(score, mean[:, None], out=eligible)
        spread = np.sqrt(np.square(eligible, out=eligible).mean(axis=1)) + np.float32(1e-9)
        levels.append((mean, spread))
    again = np.flatnonzero(allowed & is_owned)
    again = again[first_of_each(again // n_columns, owned.ravel()[again], n_owned)]
    # What is owned stays whatever the members say of it.
    marked[again] = True
    places = np.flatnonzero(marked)
    rows, columns = np.divmod(places, n_columns)
    said = np.empty((len(places), 2 * len(scores) + 1), dtype=np.float32)
    total = np.zeros(len(places), dtype=np.float32)
    for k, (score, (mean, spread)) in enumerate(zip(scores, levels, strict=True)):
        said[:, 2 * k] = score[rows, columns]
        said[:, 2 * k + 1] = (said[:, 2 * k] - mean[rows]) / spread[rows]
        total += said[:, 2 * k + 1]
    said[:, -1] = total
    kept = is_owned.ravel()[places]
    new = np.flatnonzero(~kept)
    kept[new[first_of_each(rows[new], total[new], n_ranked)]] = True
    places, said = places[kept], said[kept]
    proposed_by = np.empty((len(places), len(scores)), dtype=bool)
    for k, own in enumerate(mine):
        marked[:] = False
        marked[own] = True
        proposed_by[:, k] = marked[places]
    return Proposals(rows[kept], columns[kept], said, proposed_by)


def propose_to_one(
    spoken: Sequence[Spoken],
    owned: tuple[NDArray[np.int64], NDArray[np.float64]],
    allowed: Mask,
    places: NDArray[np.int32],
    *,
    repeats: bool,
    n_candidates: int,
    n_ranked: int,
    n_owned: int,
) -> tuple[NDArray[np.int64], Float32]:
    """
    Return the columns and what is said of them, as :func:`propose` does for a single history.

    ``owned``: columns and how much of each; ``allowed``: items; ``repeats``: whether what is owned
    may be proposed again; ``places``: a row of all items, minus one each, as it is left again. A
    page waits for this, and most members know a small part of a catalogue: nobody looks at all.
    """
    mine, amounts = owned
    fresh = allowed.copy()
    fresh[mine] = False
    proposed = [mine[:0], *(one.best(n_candidates, fresh) for one in spoken)]
    if repeats:
        there = allowed[mine]
        proposed.append(mine[there][best_of_one(amounts[there], n_owned)])
    marked = np.zeros(len(allowed), dtype=bool)
    marked[np.concatenate(proposed)] = True
    columns = np.flatnonzero(marked)
    said = np.empty((2 * len(spoken) + 1, len(columns)), dtype=np.float32)
    places[columns] = np.arange(len(columns), dtype=np.int32)
    try:
        for k, one in enumerate(spoken):
            mean, spread = one.level()
            said[2 * k] = one.of(columns, places)
            np.subtract(said[2 * k], mean, out=said[2 * k + 1])
            said[2 * k + 1] /= spread
    finally:
        places[columns] = -1
    said[1:-1:2].sum(axis=0, out=said[-1])
    # What is owned stays whatever the members say of it.
    new = np.flatnonzero(fresh[columns])
    if len(new) <= n_ranked:
        return columns, said.T
    kept = np.ones(len(columns), dtype=bool)
    kept[new] = False
    kept[new[best_of_one(said[-1, new], n_ranked)]] = True
    return columns[kept], said[:, kept].T
