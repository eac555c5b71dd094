"""A bookshop whose models say exactly what a test wants them to say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from django.utils.text import slugify

from engagement.flows.collecting.identity import Person
from engagement.flows.serving.recommend import recommend
from engagement.flows.training import artifacts
from engagement.flows.training.dataset import Dataset
from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders import Recommender
from engagement.models import Item, ModelArtifact, Placement, PlacementRule
from tests.othershop import catalogue


class Pairs(Recommender):
    """Scores an item by what the weights say of each past item and it; ``bias`` for everyone."""

    def learn(self, weights: np.ndarray, bias: np.ndarray) -> Pairs:
        self.weights_ = weights.astype(np.float32)
        self.bias_ = bias.astype(np.float32)
        self.n_items_ = np.asarray(len(bias))
        return self

    def score(self, histories: Histories) -> np.ndarray:
        past = histories.matrix(self.n_items).toarray()
        return (past @ self.weights_ + self.bias_).astype(np.float32)

    def explain(self, histories: Histories, column: int) -> np.ndarray | None:
        if not len(histories.columns):
            return None
        known = histories.columns >= 0
        parts = self.weights_[np.where(known, histories.columns, 0), column] * histories.weights
        return np.where(known, parts, 0).astype(np.float32)


def pairs(
    items: list[Item],
    weights: Mapping[tuple[str, str], float] | None = None,
    bias: Mapping[str, float] | None = None,
) -> Pairs:
    """Return a model from weights by key: what is known about (past item, item), and of items."""
    column = {item.key: place for place, item in enumerate(items)}
    matrix = np.zeros((len(items), len(items)))
    for (past, item), weight in (weights or {}).items():
        matrix[column[past], column[item]] = weight
    constant = np.zeros(len(items))
    for item, weight in (bias or {}).items():
        constant[column[item]] = weight
    return Pairs().learn(matrix, constant)


def shelve(*titles: str, genre: str = "", **fields: object) -> list[Item]:
    """Put books on sale and into the mirror."""
    for title in titles:
        catalogue.make_book(title, genre=genre)
    return [
        catalogue.make_item(
            title, **{"category": genre, "price": 10, "url": f"/books/{slugify(title)}/", **fields}
        )
        for title in titles
    ]


def go_live(alias: str, model: Recommender, items: list[Item], *, at: datetime) -> ModelArtifact:
    """Store a model whose columns are ``items``, and activate it."""
    nothing = np.empty(0, dtype=np.int32)
    interactions = Interactions(
        rows=nothing,
        columns=nothing,
        moments=nothing.astype(np.int64),
        weights=nothing.astype(np.float32),
        n_rows=0,
        n_columns=len(items),
        column_keys=np.array([item.pk for item in items], dtype=np.int64),
    )
    artifact = artifacts.store(
        model,
        channel="",
        alias=alias,
        dataset=Dataset(interactions, {}, 0),
        metrics={},
        verdict=ModelArtifact.Verdict.PASSED,
        at=at,
        seconds=0.0,
    )
    artifacts.activate(artifact, at=at)
    return artifact


def visitor(key: str = "a" + "1" * 32, **fields: object) -> Person:
    values = {"channel": "", "customer_key": "", "user_id": None, "may_store": True}
    return Person(**{**values, "key": key, "is_staff": False, **fields})


def place(name: str = "home.for_you", rules: tuple[dict, ...] = (), **fields: object) -> Placement:
    """Change a placement and give it rules."""
    row, _ = Placement.objects.update_or_create(channel="", name=name, defaults=fields)
    for rule in rules:
        PlacementRule.objects.create(placement=row, **rule)
    return row


def shown(
    placement: str = "home.for_you", *, at: datetime, person: Person | None = None, **asked: object
) -> list[str]:
    """Return the keys of a shelf."""
    shelf = recommend(placement=placement, person=person, at=at, **asked)
    return [item.key for item in shelf]
