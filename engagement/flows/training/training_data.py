"""What a recipe learns from: interactions, which of them are to be predicted, the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np

from engagement.conf import app_settings
from engagement.flows.training import dataset as datasets
from engagement.flows.training import item_facts
from engagement.flows.training.candidates import (
    OBJECTIVE,
    PURCHASE,
    candidates_of,
    spec_of,
    weights_of,
)
from engagement.flows.training.dataset import Dataset
from engagement.learning.evaluation import renumber
from engagement.learning.interactions import Float32, Interactions
from engagement.learning.recommenders.features import Catalogue


class NothingToLearnFrom(Exception):
    """There is no interaction that counts."""


@dataclass(frozen=True, slots=True)
class Data:
    """
    What a recommender learns from, and which of it is to be predicted (None: all of it).

    ``catalogue`` knows the items by column; ``worth`` is what a right answer is worth by column
    (None: all the same). ``n_described``: how many items have a text beside their title.
    """

    dataset: Dataset
    target: Interactions | None
    catalogue: Catalogue = field(default_factory=Catalogue)
    worth: Float32 | None = None
    n_described: int = 0

    @property
    def interactions(self) -> Interactions:
        return self.dataset.interactions


# What several recipes of one run read alike: logs and catalogues, by what was asked.
Memo = dict[Any, Any]


def load_data(
    *,
    channel: str,
    alias: str,
    at: datetime,
    describe: bool = False,
    memo: Memo | None = None,
) -> Data:
    """
    Return everything up to ``at``; raises NothingToLearnFrom where that is nothing.

    With one ``memo`` for several recipes, what they read alike is read once.

    Where a candidate learns from the catalogue, items on sale that nobody has met have columns
    too. The catalogue itself is read if a candidate or the objective needs it, or to ``describe``.
    """
    spec = spec_of(alias)
    group_by, events = spec.get("GROUP_BY", "visitor"), spec.get("EVENTS")
    memo = {} if memo is None else memo
    asked = (channel, group_by, None if events is None else tuple(events), at)
    if asked not in memo:
        memo[asked] = datasets.load(channel=channel, group_by=group_by, events=events, until=at)
    dataset: Dataset = memo[asked]
    if not len(dataset.interactions):
        left_out = ", ".join(f"{n} {rule}" for rule, n in dataset.cleaning.items() if n)
        raise NothingToLearnFrom(
            f"There is nothing that {alias!r} could learn from"
            + (f" (left out: {left_out})." if left_out else ": no event that counts.")
        )
    objective = spec.get("OBJECTIVE", OBJECTIVE)
    from_catalogue = any(one.learns_from_catalogue() for one in candidates_of(spec))
    if from_catalogue:
        wide = item_facts.with_items_on_sale(
            dataset.interactions, channel=channel, limit=app_settings.MAX_ITEMS
        )
        dataset = replace(dataset, interactions=wide)
    catalogue, n_described = Catalogue(), 0
    if from_catalogue or describe or objective in ("revenue", "margin"):
        keys = np.asarray(dataset.interactions.column_keys, dtype=np.int64)
        known = (channel, keys.tobytes(), at)
        if known not in memo:
            memo[known] = item_facts.describe(keys, channel=channel)
        catalogue, n_described = memo[known]
    # Views are hints; what a shop wants to predict is what people buy, where they buy.
    target = None
    if group_by == "visitor" and objective != "click":
        target = _purchases(dataset.interactions, spec, channel, at)
    return Data(dataset, target, catalogue, _worth(objective, catalogue), n_described)


def _worth(objective: str, catalogue: Catalogue) -> Float32 | None:
    values = {"revenue": catalogue.prices, "margin": catalogue.margins}.get(objective)
    if values is None:
        return None
    # What earns nothing is still a right answer, if the least of all.
    known = np.nan_to_num(values, nan=float(np.nanmean(values)))
    return np.maximum(known, np.float32(0.01)).astype(np.float32)


def _purchases(
    interactions: Interactions, spec: Mapping[str, Any], channel: str, at: datetime
) -> Interactions | None:
    """Return the purchases among ``interactions``, numbered alike; None where all or none are."""
    known = weights_of(spec)
    weight = known.get(PURCHASE)
    if weight is not None and list(known.values()).count(weight) == 1:
        # The weight tells them apart, which spares reading the log a second time.
        bought = interactions.select(interactions.weights == np.float32(weight))
    else:
        log = datasets.load(channel=channel, events=[PURCHASE], until=at)
        bought = renumber(log.interactions, interactions)
    return bought if 0 < len(bought) < len(interactions) else None
