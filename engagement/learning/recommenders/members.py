"""The members of a blend: what they are, learning them on the same data, asking them together."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.spoken import Spoken
from engagement.learning.recommenders.userknn import UserKNN

Specs = Mapping[str, Mapping[str, Any]]

HERE = "engagement.learning.recommenders"
# The inverse of a matrix of items × items takes items³ steps: with 3,000 of them a second.
MOST_USED = 3_000
MEMBERS: dict[str, dict[str, Any]] = {
    "linear": {
        "BACKEND": f"{HERE}.linear.EASE",
        "OPTIONS": {"half_life_days": 60, "max_items": MOST_USED},
    },
    "recent": {
        "BACKEND": f"{HERE}.linear.EASE",
        "OPTIONS": {"half_life_days": 60, "regularization": 100, "max_items": MOST_USED},
        "WINDOW_DAYS": 90,
    },
    "alike": {"BACKEND": f"{HERE}.userknn.UserKNN", "OPTIONS": {"half_life_days": 120}},
    "alike_lately": {
        "BACKEND": f"{HERE}.userknn.UserKNN",
        "OPTIONS": {"half_life_days": 120, "recent_days": 60},
    },
    "alike_now": {
        "BACKEND": f"{HERE}.userknn.UserKNN",
        "OPTIONS": {"half_life_days": 120, "recent_days": 21},
    },
    "texts": {"BACKEND": f"{HERE}.content.ContentSimilarity"},
    "own": {"BACKEND": f"{HERE}.repeat.RepeatPurchase"},
    "popular": {"BACKEND": f"{HERE}.popular.MostPopular", "OPTIONS": {"window_days": 7}},
}


def build(spec: Mapping[str, Any]) -> Recommender:
    """Build a recommender from ``{"BACKEND": dotted path, "OPTIONS": {…}}``."""
    module, _, name = str(spec["BACKEND"]).rpartition(".")
    backend = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(backend) and issubclass(backend, Recommender)):
        raise TypeError(f"{spec['BACKEND']} is no recommender")
    return backend(**spec.get("OPTIONS", {}))


def takes_catalogue(recommender: Recommender) -> bool:
    return "catalogue" in inspect.signature(recommender.fit).parameters


class Members:
    """
    Recommenders by name, in the order of their specifications.

    Members that look for neighbours in the same way (:attr:`.UserKNN.taste`) learn, store and
    answer that part once.
    """

    def __init__(self, specs: Specs) -> None:
        self._specs = specs
        self._fitted: dict[str, Recommender] = {}
        self._leaders: dict[str, str] = {}

    def fit(
        self, interactions: Interactions, now: int, catalogue: Catalogue, rng: np.random.Generator
    ) -> Self:
        self._build()
        for name, member in self._fitted.items():
            days = self._specs[name].get("WINDOW_DAYS")
            learnt = interactions
            if days is not None:
                learnt = interactions.select(interactions.moments >= now - days * DAY)
            leader = self._fitted.get(self._leaders.get(name, ""))
            if isinstance(member, UserKNN) and isinstance(leader, UserKNN):
                member.fit_beside(leader, learnt)
            elif takes_catalogue(member):
                member.fit(learnt, rng=rng, catalogue=catalogue)  # type: ignore[call-arg]
            else:
                member.fit(learnt, rng=rng)
        return self

    def score(self, histories: Histories) -> list[Float32]:
        """Return each member's scores, histories × items."""
        neighbours: dict[str, Any] = {}
        scores = []
        for name, member in self._fitted.items():
            if isinstance(member, UserKNN):
                leader = self._leaders.get(name, name)
                if leader not in neighbours:
                    neighbours[leader] = member.neighbours(histories)
                scores.append(member.said_by(neighbours[leader]))
            else:
                scores.append(member.score(histories))
        return scores

    def speak(self, histories: Histories) -> list[Spoken]:
        """Return what each member says to a single visitor."""
        neighbours: dict[str, Any] = {}
        spoken = []
        for name, member in self._fitted.items():
            if isinstance(member, UserKNN):
                leader = self._leaders.get(name, name)
                if leader not in neighbours:
                    neighbours[leader] = member.neighbours(histories)
                spoken.append(member.spoken_by(neighbours[leader]))
            else:
                spoken.append(member.speak(histories))
        return spoken

    def _build(self) -> None:
        self._fitted = {name: build(spec) for name, spec in self._specs.items()}
        self._leaders = {}
        first: dict[Any, str] = {}
        for name, member in self._fitted.items():
            if isinstance(member, UserKNN):
                key = (*member.taste, self._specs[name].get("WINDOW_DAYS"))
                leader = first.setdefault(key, name)
                if leader != name:
                    self._leaders[name] = leader

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        """Return ``member-name-array`` → array; what a member shares is stored with the first."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, member in self._fitted.items():
            for key, array in member.get_arrays().items():
                if name in self._leaders and _is_shared(key):
                    continue
                arrays[f"member-{name}-{key}"] = array
        return arrays

    def set_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        self._build()
        inside: dict[str, dict[str, NDArray[Any]]] = {}
        for name, member in self._fitted.items():
            prefix = f"member-{name}-"
            own = {k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}
            leader = inside.get(self._leaders.get(name, ""), {})
            inside[name] = {k: a for k, a in leader.items() if _is_shared(k)} | own
            member.set_arrays(inside[name])
        return self


def _is_shared(key: str) -> bool:
    return key.partition(".")[0] in UserKNN.OF_TASTE
