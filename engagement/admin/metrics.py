"""Reads what a training measured, as it was stored with the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import pgettext_lazy

from engagement.models import ModelArtifact

# What the gate looks at; the first that was measured is the headline.
HEADLINES = ("ndcg@10", "ndcg", "macro_f1")
# What the rules of docs/cleaning.md leave out; another version may have had others.
LEFT_OUT = {
    "staff": pgettext_lazy("left out", "the shop's own people"),
    "bots": pgettext_lazy("left out", "machines"),
    "no_consent": pgettext_lazy("left out", "visitors who do not agree any more"),
    "impossible": pgettext_lazy("left out", "impossible quantities and values"),
    "taken_back": pgettext_lazy("left out", "purchases that were given back or cancelled"),
    "duplicates": pgettext_lazy("left out", "what was sent twice"),
    "refunds": pgettext_lazy("left out", "refunds"),
    "guests": pgettext_lazy("left out", "purchases of nobody known"),
    "rare_items": pgettext_lazy("left out", "items that are hardly ever met"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One model's value of one metric, with its interval where there is one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


class Metrics:
    """The metrics of one artifact. Anything may be missing: they were written by other versions."""

    def __init__(self, artifact: ModelArtifact) -> None:
        self.raw: Mapping[str, Any] = artifact.metrics or {}
        models = self.raw.get("models")
        self.models: Mapping[str, Mapping[str, Any]] = models if isinstance(models, dict) else {}
        self.baseline = str(self.raw.get("baseline", ""))
        self.winner = str(self.raw.get("winner", ""))

    @property
    def names(self) -> list[str]:
        """Return what was measured, the headline first."""
        found = dict.fromkeys(
            metric
            for values in self.models.values()
            for metric, value in values.items()
            if _number(value) is not None and not metric.endswith(("_low", "_high"))
        )
        first = self._first(found)
        # What was measured on another set of questions carries its name in front.
        others = ("all_", "new_")
        return sorted(found, key=lambda name: (name != first, name.startswith(others), name))

    @property
    def headline(self) -> str:
        names = self.names
        return names[0] if names else ""

    @staticmethod
    def _first(found: Mapping[str, None]) -> str:
        exact = next((name for name in HEADLINES if name in found), "")
        return exact or next((name for name in found if name.startswith("ndcg")), "")

    def of(self, name: str, metric: str = "") -> Measured | None:
        """Return one model's value of ``metric`` (default: the headline)."""
        values = self.models.get(name, {})
        metric = metric or self.headline
        value = _number(values.get(metric))
        if value is None:
            return None
        low, high = _number(values.get(f"{metric}_low")), _number(values.get(f"{metric}_high"))
        return Measured(name, value, low, high)

    def ranking(self, metric: str = "") -> list[Measured]:
        """Return all models by ``metric``, best first."""
        found = [self.of(name, metric) for name in self.models]
        return sorted((one for one in found if one), key=lambda one: -one.value)

    @property
    def holdout_days(self) -> float | int | None:
        days = _number(self.raw.get("holdout_days"))
        return int(days) if days is not None and days.is_integer() else days

    @property
    def failures(self) -> list[tuple[str, Any]]:
        """Return the candidates that could not be fitted, each with the reason."""
        return _pairs(self.raw.get("failures"))

    @property
    def cleaning(self) -> list[tuple[str, Any]]:
        """Return what was left out before learning, most of it first."""
        counts = _pairs(self.raw.get("cleaning"))
        named = [(str(LEFT_OUT.get(rule, rule)), n) for rule, n in counts]
        return sorted(named, key=lambda pair: -(_number(pair[1]) or 0.0))

    @property
    def gate(self) -> Mapping[str, Any]:
        """Return what decided: days, questions and the two models' values; empty if untold."""
        gate = self.raw.get("gate")
        return gate if isinstance(gate, dict) and isinstance(gate.get("models"), dict) else {}

    @property
    def members(self) -> list[tuple[str, Mapping[str, float]]]:
        """Return what each member of a blend adds, the weightiest first."""
        found = [(name, facts) for name, facts in _pairs(self.raw.get("members")) if facts]
        return sorted(found, key=lambda pair: -pair[1].get("gain", 0.0))

    @property
    def features(self) -> list[tuple[str, Any]]:
        """Return the features that a ranker listens to most, each with its share."""
        return _pairs(self.raw.get("features"))

    @property
    def gain(self) -> float | None:
        """Return how much better the winner is than the baseline, as a share of the baseline."""
        winner, baseline = self.of(self.winner), self.of(self.baseline)
        if winner is None or baseline is None or not baseline.value:
            return None
        return winner.value / baseline.value - 1.0


def _pairs(found: Any) -> list[tuple[str, Any]]:
    return list(found.items()) if isinstance(found, dict) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
