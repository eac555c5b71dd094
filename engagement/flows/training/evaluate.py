"""Compares the candidates of a recommender with each other and with last week's best sellers."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.training.candidates import Candidate, UnknownAlias, candidates_of, spec_of
from engagement.flows.training.comparison import (
    BASELINE,
    LENGTH,
    METRIC,
    Comparison,
    Progress,
    Verdict,
    compare,
)
from engagement.flows.training.questions import Asking, stays_within_category
from engagement.flows.training.training_data import Data, Memo, NothingToLearnFrom, load_data

__all__ = [
    "BASELINE",
    "LENGTH",
    "METRIC",
    "Candidate",
    "Comparison",
    "Data",
    "NothingToLearnFrom",
    "Progress",
    "UnknownAlias",
    "Verdict",
    "evaluate",
]


def evaluate(
    *,
    channel: str,
    alias: str,
    at: datetime,
    days: float | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Compare the candidates of ``alias`` on the last ``days`` (default: HOLDOUT_DAYS)."""
    with threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"):
        _, comparison = load_and_compare(
            channel=channel,
            alias=alias,
            at=at,
            days=app_settings.HOLDOUT_DAYS if days is None else days,
            rng=rng or np.random.default_rng(0),
            progress=progress,
        )
    return comparison


def load_and_compare(
    *,
    channel: str,
    alias: str,
    at: datetime,
    days: float,
    rng: np.random.Generator,
    progress: Progress | None = None,
    memo: Memo | None = None,
) -> tuple[Data, Comparison]:
    """Return what ``alias`` learns from, and how its candidates do on the last ``days`` of it."""
    spec = spec_of(alias)
    within = stays_within_category(channel, alias, spec)
    data = load_data(channel=channel, alias=alias, at=at, describe=within, memo=memo)
    asking = Asking.of(spec, data, within=within)
    return data, compare(
        data, candidates_of(spec), asking=asking, days=days, rng=rng, progress=progress
    )
