"""
The ladder that a shop climbs by itself: each language is read by the best rung that it can reach.

Rung one needs no label. With labels, each language learns models of its own from the shop's stars
and the moderators' corrections; what a language has too few labels for is left on rung one.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.flows.training import artifact_files
from engagement.flows.understanding.comparing import MACRO_F1, Answers
from engagement.flows.understanding.labels import Labels, Taught
from engagement.learning.sentiment.base import Classifier, build, taking
from engagement.learning.sentiment.by_language import REST, ByLanguage, read

logger = logging.getLogger("engagement")

# With fewer held-out texts, or fewer of the second class, a comparison is a lottery.
MIN_HELD_OUT = 25
MIN_OF_A_CLASS = 3
STEPS_BETWEEN = 50

Progress = Callable[[str], None]
Ints = NDArray[np.int64]


class UnknownClassifier(Exception):
    """The settings name no such classifier."""


class NoRung(Exception):
    """No rung of the ladder could be climbed: not even the one that needs no labels."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One backend with its options, and how many labels of a language it takes to try it."""

    name: str
    backend: str
    options: Mapping[str, Any]
    from_labels: int

    @property
    def spec(self) -> dict[str, Any]:
        return {"BACKEND": self.backend, "OPTIONS": dict(self.options)}


@dataclass(frozen=True, eq=False)
class Climbed:
    """
    Where the ladder ended: the fitted model, the rung of each language (``""``: all others), what
    each rung did on the held-out texts of each language, and which failed.
    """

    model: ByLanguage
    rungs: dict[str, str]
    measured: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def rungs_of(alias: str) -> list[Rung]:
    """Return the rungs that the settings name, lowest first, under readable names."""
    try:
        candidates = app_settings.CLASSIFIERS[alias]["CANDIDATES"]
    except KeyError:
        known = ", ".join(app_settings.CLASSIFIERS)
        raise UnknownClassifier(f"There is no classifier {alias!r}; there are: {known}.") from None
    found: list[Rung] = []
    for entry in candidates:
        name = base = entry.get("NAME") or entry["BACKEND"].rpartition(".")[2]
        number = 1
        while name in {rung.name for rung in found}:
            number += 1
            name = f"{base} {number}"
        found.append(
            Rung(name, entry["BACKEND"], entry.get("OPTIONS", {}), entry.get("FROM_LABELS", 0))
        )
    return sorted(found, key=lambda rung: rung.from_labels)


def climb(
    labels: Labels,
    rungs: Sequence[Rung],
    *,
    rng: np.random.Generator,
    tell: Progress,
) -> Climbed:
    """
    Fit every rung that a language has labels for, and keep the best on its held-out texts.

    What was measured is what is kept: nothing is fitted again on the held-out texts, so that next
    week's model can be compared with this one on texts that neither has seen. Raises NoRung.
    """
    failures: dict[str, str] = {}
    lowest = [rung for rung in rungs if rung.from_labels == 0]
    base = _base(labels, lowest, failures, rng, tell)
    parts: dict[str, tuple[Rung, Classifier]] = {REST: base}
    measured: dict[str, dict[str, dict[str, float]]] = {}
    for code, n in labels.counts().items():
        asked = labels.of(code, held_out=True)
        able = [rung for rung in rungs if rung is not base[0] and rung.from_labels <= n]
        if not able or not can_compare(labels.classes[asked]):
            continue
        best, found = _best(labels, code, asked, base, able, failures, rng, tell)
        measured[code] = found
        if best is not base:
            parts[code] = best
    specs = {code: rung.spec for code, (rung, _model) in parts.items()}
    return Climbed(
        model=ByLanguage(specs).take({code: model for code, (_rung, model) in parts.items()}),
        rungs={code: rung.name for code, (rung, _model) in parts.items()},
        measured=measured,
        failures=failures,
    )


def can_compare(classes: Ints) -> bool:
    """Return whether so many held-out texts, of these classes, tell two models apart."""
    counts = np.sort(np.bincount(classes))[::-1]
    return len(classes) >= MIN_HELD_OUT and len(counts) > 1 and bool(counts[1] >= MIN_OF_A_CLASS)


def _base(
    labels: Labels,
    rungs: Sequence[Rung],
    failures: dict[str, str],
    rng: np.random.Generator,
    tell: Progress,
) -> tuple[Rung, Classifier]:
    for rung in rungs:
        tell(rung.name)
        try:
            rows = labels.of(None, held_out=False)
            return rung, _fit(rung, rung.name, labels.training(rows), rng, tell)
        except Exception as error:
            logger.exception("The rung %s failed and is left out", rung.name)
            failures[rung.name] = _reason(error)
    raise NoRung("; ".join(f"{name}: {why}" for name, why in failures.items()) or "none is named")


def _best(
    labels: Labels,
    code: str,
    asked: Ints,
    base: tuple[Rung, Classifier],
    able: Sequence[Rung],
    failures: dict[str, str],
    rng: np.random.Generator,
    tell: Progress,
) -> tuple[tuple[Rung, Classifier], dict[str, dict[str, float]]]:
    """Return the rung that reads a language best; of equals, the lower one."""
    truth = labels.classes[asked]
    answers = answer(base[1], labels, asked)
    best, found = base, {base[0].name: answers.measured(truth, rng)}
    taught = labels.training(labels.of(code, held_out=False))
    for rung in able:
        tell(f"{rung.name} · {code}")
        name = f"{rung.name} · {code}"
        started = time.perf_counter()
        try:
            model = _fit(rung, name, taught, rng, tell)
            seconds = time.perf_counter() - started
            found[rung.name] = answer(model, labels, asked, seconds).measured(truth, rng)
        except Exception as error:
            # The others may do: one that needs a package or memory that is not there costs itself.
            logger.exception("The rung %s failed for %s and is left out", rung.name, code)
            failures[name] = _reason(error)
            continue
        if found[rung.name][MACRO_F1] > found[best[0].name][MACRO_F1]:
            best = (rung, model)
    return best, found


def _fit(
    rung: Rung, name: str, taught: Taught, rng: np.random.Generator, tell: Progress
) -> Classifier:
    """Fit one rung; one that takes long tells how far it is, and goes on where it was killed."""
    model, own = build(rung.spec), rng.spawn(1)[0]

    def steps(done: Any) -> None:
        if done.step % STEPS_BETWEEN == 0:
            tell(f"{name}: {done.step}/{done.n_steps}")

    folder = artifact_files.scratch(name)
    fit = taking(model.fit, stars=taught.stars, checkpoint=folder, progress=steps)
    fit(taught.texts, taught.classes, languages=taught.languages, rng=own)
    shutil.rmtree(folder, ignore_errors=True)
    return model


def answer(model: Classifier, labels: Labels, rows: Ints, seconds: float = 0.0) -> Answers:
    """Return what a model says of the texts in ``rows``."""
    texts = [labels.texts[row] for row in rows]
    proba, classes = read(model, texts, [labels.languages[row] for row in rows])
    return Answers(np.asarray(proba, dtype=np.float64), classes, seconds)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
