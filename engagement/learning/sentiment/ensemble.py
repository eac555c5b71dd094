"""Several classifiers together: their logits added, weighed by what they know on held-out texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import (
    N_CLASSES,
    Classifier,
    Float32,
    Labels,
    Span,
    build,
    checked,
    taking,
)
from engagement.learning.sentiment.calibration import logs
from engagement.learning.sentiment.encoders import remembering
from engagement.learning.sentiment.finetuning import Progress
from engagement.learning.sentiment.heads import Head, part

HERE = "engagement.learning.sentiment"
MEMBERS: dict[str, dict[str, Any]] = {
    "words": {"BACKEND": f"{HERE}.TfidfLogistic"},
    "known": {"BACKEND": f"{HERE}.SeedModel"},
}


class Labelled(NamedTuple):
    """Texts with what is known of them."""

    texts: Sequence[str]
    numbers: Labels
    languages: Sequence[str] | None
    stars: Labels | None

    def some(self, rows: NDArray[np.intp]) -> Labelled:
        languages = None if self.languages is None else [self.languages[i] for i in rows]
        stars = None if self.stars is None else self.stars[rows]
        return Labelled([self.texts[i] for i in rows], self.numbers[rows], languages, stars)


class Ensemble(Classifier):
    """
    Members answer; lines over their log-probabilities decide (stacking, Wolpert 1992).

    ``members``: name → ``{"BACKEND": …, "OPTIONS": …}``, by default ``MEMBERS``: the grams of the
    shop's own labels beside what was known before there were any. The lines are learnt on
    ``folds`` parts of the texts, each judged by members that have not seen it; with fewer than
    ``min_texts`` texts, or without labels of two classes, all members count the same. Members that
    know before there are labels (``Classifier.knows_before``) are asked as they are; what they say,
    and the mean of the others, added, is where labels move the lines from. ``held_out``
    above zero learns them on that share of the texts instead, which no member ever sees: members
    that take long are then fitted once and not ``folds + 1`` times. ``strength``: how far the lines
    may move away from a plain mean.
    """

    def __init__(
        self,
        members: Mapping[str, Mapping[str, Any]] | None = None,
        folds: int = 4,
        min_texts: int = 40,
        strength: float = 1.0,
        held_out: float = 0.0,
    ) -> None:
        if not 0.0 <= held_out < 0.5:
            raise ValueError(f"held_out must be from 0 to 0.5, not {held_out}")
        if members is not None and not all(name.isidentifier() for name in members):
            raise ValueError(f"members must be named like variables, not {list(members)}")
        self.members = members
        self.folds = folds
        self.min_texts = min_texts
        self.strength = strength
        self.held_out = held_out
        self._make()

    @property
    def _specs(self) -> Mapping[str, Mapping[str, Any]]:
        return MEMBERS if self.members is None else self.members

    def _make(self) -> None:
        self._members = {name: build(spec) for name, spec in self._specs.items()}
        self._head = Head(self.strength, balanced=False)

    # -- learning ---------------------------------------------------------------------------
    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
        checkpoint: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
        stars: ArrayLike | None = None,
    ) -> Self:
        """
        Learn; ``stars`` are handed to those members that can use them, ``checkpoint`` and
        ``progress`` to those that are fine-tuned. One that was killed goes on where it was only
        with ``held_out``: folds start again.
        """
        known_stars = None if stars is None else np.asarray(stars, dtype=np.int64)
        given = Labelled(texts, checked(texts, labels), languages, known_stars)
        rng = rng or np.random.default_rng(0)
        self._make()
        self.decision_weights_ = np.ones(N_CLASSES)
        n_classes = np.unique(given.numbers, return_counts=True)[1]
        n_folds = min(self.folds, int(n_classes.min())) if len(texts) else 0
        stacked = n_folds >= 2 and len(texts) >= self.min_texts and len(n_classes) > 1
        self.is_stacked_ = np.array(stacked)
        for member in self._members.values():
            if member.knows_before:
                member.fit([], [], rng=rng)
        teach = partial(self._teach, rng=rng, checkpoint=checkpoint, progress=progress)
        if stacked:
            judge = self._once if self.held_out else partial(self._in_folds, n_folds)
            with remembering():
                self._head.fit(*judge(given, teach, rng), rng, self._start())
                if not self.held_out:
                    teach(given)
            self.decision_weights_ = self._head.decision_weights_
        else:
            self._head.fit(np.empty((0, 0)), given.numbers[:0], rng)
            teach(given)
        return self

    def _teach(
        self,
        given: Labelled,
        *,
        rng: np.random.Generator,
        checkpoint: Path | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        for name, member in self._members.items():
            if member.knows_before:
                continue
            folder = None if checkpoint is None else checkpoint / name
            learn = taking(member.fit, stars=given.stars, checkpoint=folder, progress=progress)
            learn(given.texts, given.numbers, languages=given.languages, rng=rng)

    def _once(
        self, given: Labelled, teach: Callable[[Labelled], None], rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], Labels]:
        """Teach the members most texts; return what they say of the others, and their labels."""
        order = rng.permutation(len(given.texts))
        n = max(round(self.held_out * len(order)), 1)
        teach(given.some(order[n:]))
        asked = given.some(order[:n])
        return self._rows(asked.texts, asked.languages), asked.numbers

    def _in_folds(
        self,
        n_folds: int,
        given: Labelled,
        teach: Callable[[Labelled], None],
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], Labels]:
        """Return the members' logarithms, a row a text, each from members that did not see it."""
        from sklearn.model_selection import StratifiedKFold

        rows = np.zeros((len(given.texts), N_CLASSES * len(self._members)))
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
        for known, places in folds.split(given.numbers, given.numbers):
            teach(given.some(known))
            asked = given.some(places)
            rows[places] = self._rows(asked.texts, asked.languages)
        return rows, given.numbers

    def _start(self) -> NDArray[np.float64] | None:
        """Return the weights from which labels move the lines; None where no member knows."""
        known = [member.knows_before for member in self._members.values()]
        if not any(known):
            return None
        n_learning = known.count(False)
        shares = [1.0 if knows else 1.0 / n_learning for knows in known]
        return np.concatenate([share * np.eye(N_CLASSES) for share in shares], axis=1)

    # -- answering --------------------------------------------------------------------------
    def _rows(self, texts: Sequence[str], languages: Sequence[str] | None) -> NDArray[np.float64]:
        answers = [
            centred(member.predict_proba(texts, languages)) for member in self._members.values()
        ]
        return np.concatenate(answers, axis=1) if answers else np.zeros((len(texts), 0))

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        if self.is_stacked_:
            return self._head.predict_proba(self._rows(texts, languages))
        answers = [member.predict_proba(texts, languages) for member in self._members.values()]
        mean: Float32 = np.mean(answers, axis=0, dtype=np.float32)
        return mean

    def vectors(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> list[Float32 | None]:
        """Return the vectors of the first member that has any."""
        answers = (member.vectors(texts, languages) for member in self._members.values())
        none: list[Float32 | None] = [None] * len(texts)
        return next((found for found in answers if any(v is not None for v in found)), none)

    def explain(self, text: str) -> list[Span]:
        """Return the mean of what those members say that can point at words."""
        answers = [spans for m in self._members.values() if (spans := m.explain(text))]
        places: dict[tuple[int, int], float] = {}
        for spans in answers:
            for start, end, weight in spans:
                places[start, end] = places.get((start, end), 0.0) + weight / len(answers)
        return [(start, end, weight) for (start, end), weight in sorted(places.items())]

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        arrays |= {f"head-{name}": a for name, a in self._head.get_arrays().items()}
        for name, member in self._members.items():
            arrays |= {f"member-{name}-{key}": a for key, a in member.get_arrays().items()}
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._head.set_arrays(part(arrays, "head"))
        for name, member in self._members.items():
            member.set_arrays(part(arrays, f"member-{name}"))
        return self


def centred(proba: ArrayLike) -> NDArray[np.float64]:
    """Return logarithms of probabilities, bounded, each row around its mean."""
    # One member's certainty may not outvote everybody: 1 in 2,000 is as sure as a review gets.
    rows = logs(np.clip(np.asarray(proba, dtype=np.float64), 5e-4, 1))
    moved: NDArray[np.float64] = rows - rows.mean(axis=1, keepdims=True)
    return moved
