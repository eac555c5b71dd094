"""Rung 1, English: a lexicon and rules, for a shop that has no labels yet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment import valence
from engagement.learning.sentiment.base import (
    N_CLASSES,
    Classifier,
    Float32,
    Span,
    checked,
)
from engagement.learning.sentiment.calibration import softmax
from engagement.learning.sentiment.cleaning import normalise
from engagement.learning.sentiment.grams import pieces

_SENTENCE = re.compile(r"[^.!?\n。!?;…]+[.!?。…]*")
N_FEATURES = 4
MAX_PIECES = 60  # Words of a sentence that are looked at one by one.
# Logits of the classes without any label, a row a class: shift, compound of the whole, mean and
# lowest compound of the sentences. VADER's own thresholds put neutral between -.05 and .05.
START = np.array(
    [
        [0.0, -1.0, -1.5, -0.5],
        [0.2, 0.0, 0.0, 0.0],
        [0.0, 1.0, 1.5, 0.5],
    ]
)


class Lexicon(Classifier):
    """
    VADER (Hutto & Gilbert 2014) on the text and on its sentences, mapped to probabilities.

    Needs no labels; :meth:`fit` with at least ``min_texts`` labelled texts of two classes learns
    the mapping from them, otherwise a fixed one is used. ``words``: ``"vader"`` (English; the extra
    ``sentiment``), ``"builtin"`` (some 150 clear words of English and Chinese, far weaker: a
    stopgap), or ``"auto"``: VADER where it is installed when the model is fitted. What was taken is
    ``source``; a model fitted with VADER needs it to answer, too.
    """

    weights_: NDArray[np.float64]
    uses_vader_: NDArray[np.bool_]

    def __init__(self, words: str = "auto", min_texts: int = 60) -> None:
        if words not in {"auto", "vader", "builtin"}:
            raise ValueError(f"words must be auto, vader or builtin, not {words!r}")
        self.words = words
        self.min_texts = min_texts

    @property
    def source(self) -> str:
        return "vader" if bool(self.uses_vader_) else "builtin"

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        numbers = checked(texts, labels)
        self.uses_vader_ = np.array(valence.has_vader(self.words))
        self.weights_ = START.copy()
        self.decision_weights_ = np.ones(N_CLASSES)
        present = np.unique(numbers)
        if len(texts) >= self.min_texts and len(present) > 1:
            from sklearn.linear_model import LogisticRegression

            line = LogisticRegression(C=1.0).fit(self._features(texts), numbers)
            weights = np.c_[line.intercept_, line.coef_]
            self.weights_ = np.zeros_like(START)
            self.weights_[:, 0] = -30.0
            self.weights_[present] = (
                weights if len(present) > 2 else np.concatenate([-weights, weights]) / 2
            )
        return self

    def _features(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return compounds, shape (texts, 3): the whole, the sentences' mean, and their lowest."""
        feel = valence.vader if bool(self.uses_vader_) else valence.builtin
        rows = np.zeros((len(texts), N_FEATURES - 1))
        for row, text in enumerate(texts):
            plain = normalise(text)
            felt = [feel(sentence) for sentence in _SENTENCE.findall(plain)] or [0.0]
            rows[row] = feel(plain) if len(felt) > 1 else felt[0], float(np.mean(felt)), min(felt)
        return rows

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        rows = self._features(texts)
        logits = rows @ self.weights_[:, 1:].T + self.weights_[:, 0]
        return softmax(logits).astype(np.float32) if len(texts) else logits.astype(np.float32)

    def explain(self, text: str) -> list[Span]:
        """Return the words that carry feeling, each with its own valence where it stands."""
        if not bool(self.uses_vader_):
            return valence.parts(text)
        spans: list[Span] = []
        for sentence in _SENTENCE.finditer(text[: valence.MAX_READ]):
            spans += _marginal(sentence.group(), sentence.start())
        return spans


def _marginal(sentence: str, start: int) -> list[Span]:
    """Return what the sentence would lose without each word: VADER's rules look around."""
    found = pieces(sentence)[:MAX_PIECES]
    sentence = sentence[: found[-1].end] if found else ""
    whole = valence.vader(sentence)
    spans = []
    for piece in found:
        without = f"{sentence[: piece.start]}—{sentence[piece.end :]}"
        change = whole - valence.vader(without)
        if abs(change) > 1e-3:
            spans.append((start + piece.start, start + piece.end, change))
    return spans
