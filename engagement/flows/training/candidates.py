"""The recipes of the settings: which backends compete for an alias, and how each is fitted."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.module_loading import import_string

from engagement.conf import app_settings
from engagement.learning.interactions import Interactions
from engagement.learning.recommenders import Recommender
from engagement.learning.recommenders.features import Catalogue

OBJECTIVE = "conversion"
PURCHASE = "purchase"


class UnknownAlias(Exception):
    """The settings name no such recommender."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One backend with its options, as the settings name it."""

    name: str
    backend: str
    options: Mapping[str, Any]

    def build(self) -> Recommender:
        recommender: Recommender = import_string(self.backend)(**self.options)
        return recommender

    def takes(self, option: str) -> bool:
        """Return whether the backend is there and knows the option."""
        try:
            return option in inspect.signature(import_string(self.backend)).parameters
        except (ImportError, TypeError, ValueError):
            return False

    def learns_from_catalogue(self) -> bool:
        try:
            return "catalogue" in inspect.signature(import_string(self.backend).fit).parameters
        except (ImportError, AttributeError, TypeError, ValueError):
            return False


def spec_of(alias: str) -> Mapping[str, Any]:
    try:
        spec: Mapping[str, Any] = app_settings.RECOMMENDERS[alias]
    except KeyError:
        known = ", ".join(app_settings.RECOMMENDERS)
        raise UnknownAlias(f"There is no recommender {alias!r}; there are: {known}.") from None
    return spec


def candidates_of(spec: Mapping[str, Any]) -> list[Candidate]:
    """
    Return the candidates under readable names: two of one class are told apart by number.

    A candidate that knows objectives gets the recipe's.
    """
    found: list[Candidate] = []
    for entry in spec["CANDIDATES"]:
        name = base = entry.get("NAME") or entry["BACKEND"].rpartition(".")[2]
        number = 1
        while name in {candidate.name for candidate in found}:
            number += 1
            name = f"{base} {number}"
        plain = Candidate(name, entry["BACKEND"], entry.get("OPTIONS", {}))
        found.append(Candidate(name, plain.backend, {**_aims(spec, plain), **plain.options}))
    return found


def _aims(spec: Mapping[str, Any], candidate: Candidate) -> dict[str, Any]:
    aims: dict[str, Any] = {}
    if candidate.takes("objective"):
        aims["objective"] = spec.get("OBJECTIVE", OBJECTIVE)
    if candidate.takes("answers_from"):
        aims["answers_from"] = purchase_weight(spec) or 0.0
    return aims


def weights_of(spec: Mapping[str, Any]) -> dict[str, float]:
    """Return what one event of each kind that the recipe learns from weighs."""
    weights = app_settings.EVENT_WEIGHTS
    events = spec.get("EVENTS")
    codes = [code for code in weights if weights[code]] if events is None else events
    return {code: float(weights.get(code, 1.0)) for code in codes}


def purchase_weight(spec: Mapping[str, Any]) -> float | None:
    """Return the weight that tells purchases from everything else; None where none does."""
    known = weights_of(spec)
    weight = known.get(PURCHASE)
    others = [value for code, value in known.items() if code != PURCHASE]
    return weight if weight is not None and all(value < weight for value in others) else None


def fit(
    recommender: Recommender,
    interactions: Interactions,
    *,
    rng: np.random.Generator,
    catalogue: Catalogue | None = None,
) -> Recommender:
    """Fit, with the catalogue where the model wants it."""
    if "catalogue" in inspect.signature(recommender.fit).parameters:
        return recommender.fit(interactions, rng=rng, catalogue=catalogue)  # type: ignore[call-arg]
    return recommender.fit(interactions, rng=rng)
