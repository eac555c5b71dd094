"""Texts written to deceive or to sell, and what gives them away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack
from threadpoolctl import threadpool_limits

from engagement.learning.sentiment.base import (
    N_CLASSES,
    NEGATIVE,
    POSITIVE,
    Classifier,
    Float32,
    Span,
    checked,
)
from engagement.learning.sentiment.cleaning import normalise, words
from engagement.learning.sentiment.grams import Grams
from engagement.learning.sentiment.heads import RATIO_STRENGTH, log_count_ratios, part

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

_FIRST_PERSON = "i me my mine myself we us our ours ourselves 我 咱"
_FIRST = frozenset(_FIRST_PERSON.split())
_SUPERLATIVE = re.compile(r"\b(?:most|best|worst|ever|never|always|amazing|absolutely|perfect)\b")
_DIGIT = re.compile(r"\d")
_PLACE = re.compile(r"\b(?:on|in|at|from|near|next|between|above|below|floor|block|street)\b")
_MARK = re.compile(r"[!！]")


class Reason(NamedTuple):
    """One trait of a text and its value, as people are told it; see ``REASONS`` for the names."""

    name: str
    value: float


#: Traits by which deceptive reviews differ from honest ones (Ott et al. 2011; Li et al. 2014):
#: those who were not there speak of themselves and in superlatives, those who were speak of places,
#: numbers and prices.
REASONS = (
    "first_person",
    "superlatives",
    "numbers",
    "places",
    "exclamations",
    "variety",
    "word_length",
    "length",
)


def traits(text: str) -> list[Reason]:
    """Return the traits of one text, shares of its words unless named otherwise."""
    plain = normalise(text)
    found = words(plain)
    n = max(len(found), 1)
    lower = plain.lower()
    values = (
        sum(word in _FIRST for word in found) / n,
        len(_SUPERLATIVE.findall(lower)) / n,
        sum(bool(_DIGIT.search(word)) for word in found) / n,
        len(_PLACE.findall(lower)) / n,
        len(_MARK.findall(plain)) / n,
        len(set(found)) / n,
        sum(map(len, found)) / n / 10,
        float(np.log1p(n)) / 10,
    )
    return [Reason(name, float(value)) for name, value in zip(REASONS, values, strict=True)]


class SpamClassifier(Classifier):
    """
    Says how likely a text is spam (deceptive, or sold), from labels of the shop's moderators: the
    class negative is what they reject, the others are what they let through, and are told as
    positive.

    Logistic regression over up to three words and marks in a row, up to ``letters`` letters inside
    words, and :func:`traits`, once as they are and once weighed by log-count ratios as in
    :class:`.heads.Head`; probabilities by Platt's method (1999) on ``folds``. ``strength``: inverse
    regularisation.
    Without labels of both kinds it answers how frequent spam was.
    """

    coef_: NDArray[np.float32]
    intercept_: NDArray[np.float64]
    line_: NDArray[np.float64]
    scale_: NDArray[np.float64]

    def __init__(
        self,
        strength: float = 30.0,
        n_words: int = 3,
        letters: int = 5,
        min_texts: int = 2,
        max_grams: int = 200_000,
        folds: int = 4,
    ) -> None:
        self.strength = strength
        self.n_words = n_words
        self.letters = letters
        self.min_texts = min_texts
        self.max_grams = max_grams
        self.folds = folds
        self._make()

    def _make(self) -> None:
        # Each kind has its own length of 1, so that the many letters do not drown the words.
        self._words = Grams(
            self.n_words, 3, self.min_texts, self.max_grams, titles=False, marks=True
        )
        self._inside = Grams(0, 0, self.min_texts, self.max_grams, False, letters=self.letters)

    @property
    def _views(self) -> dict[str, Grams]:
        return {"words": self._words, "inside": self._inside}

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        truth = checked(texts, labels) == NEGATIVE
        rng = rng or np.random.default_rng(0)
        self._make()
        for grams in self._views.values():
            grams.fit(texts)
        dense = _table(texts)
        self.scale_ = np.maximum(dense.std(axis=0), 1e-6) if len(texts) else np.ones(len(REASONS))
        rarest = int(min(truth.sum(), (~truth).sum()))
        self.line_ = np.array([1.0, 0.0])
        rows = self._rows(texts)
        if not rarest:
            share = (truth.sum() + 1) / (len(truth) + 2)
            self.coef_ = np.zeros(rows.shape[1], dtype=np.float32)
            self.intercept_ = np.array(np.log(share / (1 - share)))
            return self
        with threadpool_limits(1):
            if min(self.folds, rarest) > 1:
                self.line_ = self._calibrated(rows, truth, min(self.folds, rarest), rng)
            self.coef_, self.intercept_ = self._draw(rows, truth)
        return self

    def _draw(
        self, rows: Any, truth: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return weights and shift: the mean of a line over the rows and one over weighed rows."""
        ratios = log_count_ratios(rows, truth)
        plain = self._line(rows, truth, self.strength)
        weighed = self._line(rows.multiply(ratios).tocsr(), truth, self.strength * RATIO_STRENGTH)
        coef = (plain.coef_[0] + ratios * weighed.coef_[0]) / 2
        return coef.astype(np.float32), np.array((plain.intercept_[0] + weighed.intercept_[0]) / 2)

    def _line(self, rows: Any, truth: NDArray[np.bool_], strength: float) -> LogisticRegression:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=strength, class_weight="balanced", max_iter=400).fit(
            rows, truth
        )

    def _calibrated(
        self, rows: Any, truth: NDArray[np.bool_], n_folds: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold

        logits = np.zeros(len(truth))
        folds = StratifiedKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
        for known, asked in folds.split(truth, truth):
            coef, intercept = self._draw(rows[known], truth[known])
            logits[asked] = rows[asked] @ coef + float(intercept)
        line = LogisticRegression(C=1.0).fit(logits[:, None], truth)
        return np.array([max(float(line.coef_[0, 0]), 1e-3), float(line.intercept_[0])])

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        proba = np.zeros((len(texts), N_CLASSES), dtype=np.float32)
        if len(texts):
            logits = self._rows(texts) @ self.coef_ + float(self.intercept_)
            proba[:, NEGATIVE] = 1 / (1 + np.exp(-(logits * self.line_[0] + self.line_[1])))
            proba[:, POSITIVE] = 1 - proba[:, NEGATIVE]
        return proba

    def explain(self, text: str) -> list[Span]:
        """Return (start, end, weight) of the words that speak for spam (below zero) or against."""
        return self._words.spans(text, -self.coef_[: len(self._words.idf_)])

    def reasons(self, text: str) -> list[Reason]:
        """Return what each trait adds to the logit of spam, strongest first."""
        values = np.array([trait.value for trait in traits(text)]) / self.scale_ * TRAIT_WEIGHT
        parts = values * self.coef_[-len(REASONS) :]
        named = [Reason(name, float(value)) for name, value in zip(REASONS, parts, strict=True)]
        return sorted(named, key=lambda reason: (-reason.value, reason.name))

    def _rows(self, texts: Sequence[str]) -> Any:
        blocks = [grams.transform(texts) for grams in self._views.values()]
        blocks.append(csr_array(_table(texts) / self.scale_ * TRAIT_WEIGHT))
        return csr_array(hstack(blocks, format="csr"))

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        for name, grams in self._views.items():
            arrays |= {f"{name}-{key}": array for key, array in grams.get_arrays().items()}
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        for name, grams in self._views.items():
            grams.set_arrays(part(arrays, name))
        return self


# Rows of grams have length 1; a trait of one standard deviation is to weigh like a frequent word.
TRAIT_WEIGHT = 0.05


def _table(texts: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[trait.value for trait in traits(text)] for text in texts]).reshape(
        len(texts), len(REASONS)
    )
