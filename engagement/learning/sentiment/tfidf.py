"""Rung 2: the shop's own ratings as labels, grams as features, lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import (
    NEGATIVE,
    POSITIVE,
    Classifier,
    Float32,
    Span,
    checked,
)
from engagement.learning.sentiment.grams import Grams
from engagement.learning.sentiment.heads import Head, part


class TfidfLogistic(Classifier):
    """
    TF-IDF of word grams (spaced scripts) and sign grams (Chinese) under logistic regression.

    ``strength``, ``balanced``, ``calibration``, ``folds`` and ``ratios`` are those of
    :class:`.heads.Head`, the other options those of :class:`.grams.Grams`.
    """

    def __init__(
        self,
        strength: float = 10.0,
        balanced: bool = True,
        calibration: str = "platt",
        folds: int = 4,
        n_words: int = 2,
        n_signs: int = 3,
        min_texts: int = 2,
        max_grams: int = 200_000,
        titles: bool = True,
        letters: int = 0,
        ratios: bool = True,
    ) -> None:
        self.strength = strength
        self.balanced = balanced
        self.calibration = calibration
        self.folds = folds
        self.n_words = n_words
        self.n_signs = n_signs
        self.min_texts = min_texts
        self.max_grams = max_grams
        self.titles = titles
        self.letters = letters
        self.ratios = ratios
        self._make()

    def _make(self) -> None:
        self._grams = Grams(
            self.n_words, self.n_signs, self.min_texts, self.max_grams, self.titles, self.letters
        )
        self._head = Head(self.strength, self.balanced, self.calibration, self.folds, self.ratios)

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        numbers = checked(texts, labels)
        self._make()
        self._grams.fit(texts)
        rows = self._grams.transform(texts)
        self._head.fit(rows, numbers, rng or np.random.default_rng(0))
        self.decision_weights_ = self._head.decision_weights_
        return self

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        return self._head.predict_proba(self._grams.transform(texts))

    def explain(self, text: str) -> list[Span]:
        """
        Return what each word or sign adds to the logit of positive less that of negative.

        A gram's part is shared equally by its words; a title's words carry both their parts.
        """
        coef = self._head.coef_
        return self._grams.spans(text, coef[POSITIVE] - coef[NEGATIVE])

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        arrays |= {f"grams-{name}": array for name, array in self._grams.get_arrays().items()}
        return arrays | {f"head-{name}": a for name, a in self._head.get_arrays().items()}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._grams.set_arrays(part(arrays, "grams"))
        self._head.set_arrays(part(arrays, "head"))
        return self
