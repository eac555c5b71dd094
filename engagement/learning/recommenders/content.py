"""Likeness of titles and texts: the one thing known of an item that nobody has touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy.sparse import csr_array, diags_array

from engagement.learning.interactions import DAY, Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue


def text_features(
    texts: Sequence[str], *, n_features: int = 2**17, words: bool = True
) -> csr_array:
    """
    Return items × hashed words, rarer words weighing more, rows of length 1.

    Hashing keeps no vocabulary, so that the same code serves any language and catalogue.
    ``words`` False counts runs of two to four letters instead: for languages that do not put
    spaces between words, and for codes and misspellings.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    vectorizer = HashingVectorizer(
        n_features=n_features,
        analyzer="word" if words else "char_wb",
        ngram_range=(1, 1) if words else (2, 4),
        alternate_sign=False,
        norm=None,
        lowercase=True,
    )
    counts = vectorizer.transform(texts)
    return csr_array(TfidfTransformer(sublinear_tf=True).fit_transform(counts), dtype=np.float32)


class ContentSimilarity(Recommender):
    """
    Scores items by how much their texts resemble those in the history (TF-IDF, cosine).

    Without texts in the catalogue every score is zero. ``half_life_days`` ages the history.
    """

    texts_: csr_array

    def __init__(self, half_life_days: float | None = 90) -> None:
        self.half_life_days = half_life_days

    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        n = interactions.n_columns
        texts = None if catalogue is None else catalogue.texts
        texts = csr_array((n, 1), dtype=np.float32) if texts is None else csr_array(texts)
        norms = np.sqrt(np.asarray((texts * texts).sum(axis=1)).ravel())
        self.texts_ = csr_array(diags_array(1 / np.maximum(norms, 1e-12)) @ texts, dtype=np.float32)
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        history = histories.matrix(self.n_items, half_life_days=self.half_life_days)
        profile = csr_array(history @ self.texts_)
        if len(histories) == 1:
            return np.asarray(self.texts_ @ profile.toarray()[0], dtype=np.float32)[None, :]
        return np.asarray((profile @ self.texts_.T).toarray(), dtype=np.float32)

    def explain(self, histories: Histories, column: int) -> Float32:
        likeness = csr_array(self.texts_ @ self.texts_[[column]].T).toarray().ravel()
        parts = np.zeros(len(histories.columns), dtype=np.float32)
        known = (histories.columns >= 0) & (histories.columns < self.n_items)
        weights = histories.weights[known]
        if self.half_life_days is not None:
            age = np.maximum(histories.now[0] - histories.moments[known], 0) / DAY
            weights = weights * np.exp2(-age / self.half_life_days)
        parts[known] = weights * likeness[histories.columns[known]]
        return parts
