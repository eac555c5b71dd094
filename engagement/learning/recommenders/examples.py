"""What a ranker of a blend learns from: candidates of questions, and what answers are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32
from engagement.learning.recommenders.candidates import Mask
from engagement.learning.recommenders.features import Catalogue

OBJECTIVES = ("click", "conversion", "revenue", "margin")


@dataclass(frozen=True, slots=True)
class Examples:
    """
    Candidates of some questions: features, whether each was an answer, its weight, and how many of
    them each question has. ``proposed_by``: answers × members.
    """

    table: Float32
    relevant: Mask
    weights: Float32
    groups: NDArray[np.int64]
    proposed_by: Mask

    @classmethod
    def together(cls, parts: list[Examples]) -> Examples:
        return cls(
            np.concatenate([some.table for some in parts]),
            np.concatenate([some.relevant for some in parts]),
            np.concatenate([some.weights for some in parts]),
            np.concatenate([some.groups for some in parts]),
            np.concatenate([some.proposed_by for some in parts]),
        )


def worth_of(objective: str, catalogue: Catalogue, n: int) -> Float32:
    """Return what an answer with each of ``n`` items is worth, 1 on average."""
    values = {"revenue": catalogue.prices, "margin": catalogue.margins}.get(objective)
    if values is None or not np.isfinite(values).any():
        return np.ones(n, dtype=np.float32)
    known = np.nan_to_num(values, nan=float(np.nanmean(values)))
    # One dear item must not be all that the ranker sees.
    worth = np.clip(known / max(float(known.mean()), 1e-9), 0.05, 20.0)
    return np.asarray(worth, dtype=np.float32)


def told_apart(examples: Sequence[Examples], n_members: int) -> Float32:
    """Return members × (share of proposed answers it proposed, share nobody else did)."""
    found = [some.proposed_by for some in examples]
    # What the visitor had before is a candidate without a proposal.
    by = np.concatenate(found) if found else np.zeros((0, n_members), dtype=bool)
    by = by[by.any(axis=1)]
    if not len(by):
        return np.zeros((n_members, 2), dtype=np.float32)
    alone = by & (by.sum(axis=1) == 1)[:, None]
    return np.stack([by.mean(axis=0), alone.mean(axis=0)], axis=1).astype(np.float32)
