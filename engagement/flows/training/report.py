"""What a trained model is made of, and which data would unlock more: stored with the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.conf import app_settings
from engagement.flows.training.candidates import OBJECTIVE, spec_of
from engagement.flows.training.training_data import Data
from engagement.learning.interactions import DAY, Interactions
from engagement.learning.recommenders import Blend, Recommender
from engagement.learning.recommenders.rankers import can_learn_trees

# Below these a shop gets less than there is; docs/models.md says what each of them unlocks.
RETURNING = 100
DAYS = 84.0
SHARE = 0.5
BASKETS = 1_000
MOST_FEATURES = 12

TEXTS: dict[str, Promise] = {
    "history": _(
        "The log covers %(have)s days. With %(need)s days a blend learns from held-out windows "
        "which of its members to believe."
    ),
    "returning": _(
        "%(have)s visitors came back on another day. With %(need)s of them their own rhythm and "
        "what visitors like them took can be learnt."
    ),
    "purchases": _(
        "There are no purchases in the log: what is looked at stands in for what is bought."
    ),
    "views": _(
        "There are only purchases in the log. Views and carts tell of taste before anybody buys."
    ),
    "prices": _(
        "%(have)s %% of the items have a price. With prices the price that suits a visitor counts."
    ),
    "margins": _(
        "%(have)s %% of the items have a margin or a cost among their attributes: until then "
        "margin is not what is ranked for."
    ),
    "categories": _(
        "%(have)s %% of the items have a category. With categories a visitor's favourite ones "
        "count, and shelves can stay within one or mix them."
    ),
    "texts": _(
        "%(have)s %% of the items have a description beside their title. With texts new items can "
        "be recommended before anybody has met them."
    ),
    "baskets": _(
        "%(have)s orders hold two items or more. With %(need)s of them pairs can be told from "
        "chance."
    ),
    "trees": _(
        "The extra “blend” (LightGBM) is not installed: a weighted sum ranks instead of trees."
    ),
    "answers": _(
        "Held-out days gave too few answers to learn from: the members of the blend count alike."
    ),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """Data that would unlock more: how much there is, and how much it takes."""

    code: str
    have: float
    need: float

    @property
    def text(self) -> str:
        return str(TEXTS[self.code]) % {"have": f"{self.have:g}", "need": f"{self.need:g}"}


def of(recommender: Recommender, data: Data, *, alias: str) -> dict[str, Any]:
    """Return as JSON what the model listens to and what data it lacks."""
    spec = spec_of(alias)
    missing = [*_of_log(data, spec), *_of_catalogue(data, spec)]
    facts: dict[str, Any] = {}
    if isinstance(recommender, Blend):
        if recommender.ranked_by == "standing":
            missing.append(Missing("answers", 0, 0))
        elif recommender.ranked_by == "sum" and not can_learn_trees():
            missing.append(Missing("trees", 0, 0))
        shares = list(recommender.importance().items())[:MOST_FEATURES]
        facts = {
            "members": recommender.member_report(),
            "features": {name: round(share, 6) for name, share in shares},
            "ranked_by": recommender.ranked_by,
        }
    lacks = [{"code": one.code, "have": one.have, "need": one.need} for one in missing]
    return {**facts, "missing": lacks}


def missing(metrics: Mapping[str, Any]) -> list[Missing]:
    """Return what was missing when the model with these metrics was trained."""
    found = []
    for entry in metrics.get("missing") or ():
        if entry.get("code") in TEXTS:
            found.append(Missing(entry["code"], entry.get("have", 0), entry.get("need", 0)))
    return found


def _of_log(data: Data, spec: Mapping[str, Any]) -> list[Missing]:
    log = data.interactions
    span = float(np.ptp(log.moments)) / DAY if len(log) else 0.0
    found = []
    if span < DAYS:
        found.append(Missing("history", round(span), DAYS))
    if spec.get("GROUP_BY") == "order":
        n = int(np.count_nonzero(np.diff(log.matrix().indptr) >= 2))
        if n < BASKETS:
            found.append(Missing("baskets", n, BASKETS))
        return found
    n = _returning(log)
    if n < RETURNING:
        found.append(Missing("returning", n, RETURNING))
    if len(log) and log.weights.min() == log.weights.max() and "EVENTS" not in spec:
        found.append(Missing("views" if _are_purchases(data) else "purchases", 0, 1))
    return found


def _are_purchases(data: Data) -> bool:
    weight = app_settings.EVENT_WEIGHTS.get("purchase")
    return bool(weight is not None and data.interactions.weights[0] == np.float32(weight))


def _returning(log: Interactions) -> int:
    """Return how many rows have events on more than one day."""
    visits = np.unique(np.stack([log.rows.astype(np.int64), log.moments // DAY]), axis=1)[0]
    return int(np.count_nonzero(np.bincount(visits, minlength=log.n_rows) > 1))


def _of_catalogue(data: Data, spec: Mapping[str, Any]) -> list[Missing]:
    catalogue, n = data.catalogue, data.interactions.n_columns
    if catalogue.created is None or not n:
        return []
    shares = {
        "prices": _share(catalogue.prices, n),
        "categories": 0.0
        if catalogue.categories is None
        else float(np.mean(catalogue.categories >= 0)),
        "texts": data.n_described / n,
    }
    if spec.get("OBJECTIVE", OBJECTIVE) == "margin":
        shares["margins"] = _share(catalogue.margins, n)
    return [
        Missing(code, round(100 * share), round(100 * SHARE))
        for code, share in shares.items()
        if share < SHARE
    ]


def _share(values: Any, n: int) -> float:
    return 0.0 if values is None else float(np.count_nonzero(np.isfinite(values))) / n
