"""Likeness of titles and texts: the one thing known of an item that nobody has touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array

from engagement.learning.interactions import DAY, Float32, Histories, Int64, Interactions
from engagement.learning.recommenders.additive import compact, products, times
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.spoken import Spoken, added_up

# Adding up by word costs several times what reading through all texts does, an entry.
FEW = 0.25


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
    Scores items by how much their texts resemble those in the history.

    Likeness is the cosine of word weights (TF-IDF); with embeddings in the catalogue ``meaning`` of
    it is their cosine instead, which also finds other words and other languages for the same thing.
    What all texts of a shop have in common is taken off the embeddings first (Mu and Viswanath,
    ICLR 2018). Without texts in the catalogue every score is zero. ``half_life_days`` ages the
    history.
    """

    texts_: csr_array
    meanings_: Float32

    def __init__(self, half_life_days: float | None = 90, meaning: float = 0.5) -> None:
        self.half_life_days = half_life_days
        self.meaning = meaning
        # Not stored: the texts that it was made of, and the same by word.
        self._by_word: tuple[csr_array, csr_array] | None = None

    def fit(
        self,
        interactions: Interactions,
        *,
        rng: np.random.Generator | None = None,
        catalogue: Catalogue | None = None,
    ) -> Self:
        n = interactions.n_columns
        catalogue = catalogue or Catalogue()
        texts = catalogue.texts
        texts = csr_array((n, 1), dtype=np.float32) if texts is None else csr_array(texts)
        norms = np.sqrt(np.asarray((texts * texts).sum(axis=1)).ravel())
        words = diags_array(1 / np.maximum(norms, 1e-12)) @ texts
        share = 0.0 if catalogue.embeddings is None else self.meaning
        # Rows scaled by the root of a part's share: their products add up to the likeness.
        self.texts_ = csr_array(words * np.sqrt(1 - share), dtype=np.float32)
        self.meanings_ = _centred(catalogue.embeddings, n) * np.float32(np.sqrt(share))
        self.n_items_ = np.array(n)
        return self

    def score(self, histories: Histories) -> Float32:
        if len(histories) == 1:
            return self._score_one(histories)
        history = histories.matrix(self.n_items, half_life_days=self.half_life_days)
        profile = csr_array(history @ self.texts_)
        scores = np.asarray((profile @ self.texts_.T).toarray())
        if self.meanings_.shape[1]:
            scores = scores + (history @ self.meanings_) @ self.meanings_.T
        return np.asarray(scores, dtype=np.float32)

    def speak(self, histories: Histories) -> Spoken:
        if self.meanings_.shape[1]:
            return super().speak(histories)
        words, profile = self._profile(*self._amounts(histories))
        items = self._items_of_word()
        if self._are_common(words, items):
            return super().speak(histories)
        said = products(words, profile, items)
        return Spoken.of_entries(*said, self.n_items)

    def _amounts(self, histories: Histories) -> tuple[Int64, NDArray[np.float64]]:
        return histories.amounts(self.n_items, half_life_days=self.half_life_days)

    def _profile(
        self, columns: Int64, amounts: NDArray[np.float64]
    ) -> tuple[Int64, NDArray[np.float64]]:
        """Return the words of some items, each once, and how much each weighs."""
        indices, data = products(columns, amounts, self.texts_)
        return added_up(indices, data, self.texts_.shape[1])

    def _are_common(self, words: Int64, items: csr_array) -> bool:
        found_in = items.indptr.take(words + 1) - items.indptr.take(words)
        return bool(found_in.sum() > FEW * items.nnz)

    def _score_one(self, histories: Histories) -> Float32:
        """Touch only the items that share a word: this is what a page waits for."""
        columns, amounts = self._amounts(histories)
        words, profile = self._profile(columns, amounts)
        items = self._items_of_word()
        if self._are_common(words, items):
            by_word = np.zeros(items.shape[0], dtype=np.float32)
            by_word[words] = profile
            scores = self.texts_ @ by_word
        else:
            scores = times(words, profile, items)
        if self.meanings_.shape[1]:
            scores = scores + self.meanings_ @ (amounts @ self.meanings_[columns]).astype(
                np.float32
            )
        return np.asarray(scores, dtype=np.float32)[None, :]

    def _items_of_word(self) -> csr_array:
        """Return words × items, of what was learnt last."""
        if self._by_word is None or self._by_word[0] is not self.texts_:
            self._by_word = self.texts_, compact(csr_array(self.texts_.T))
        return self._by_word[1]

    def explain(self, histories: Histories, column: int) -> Float32:
        likeness = csr_array(self.texts_ @ self.texts_[[column]].T).toarray().ravel()
        if self.meanings_.shape[1]:
            likeness = likeness + self.meanings_ @ self.meanings_[column]
        parts = np.zeros(len(histories.columns), dtype=np.float32)
        known = (histories.columns >= 0) & (histories.columns < self.n_items)
        weights = histories.weights[known]
        if self.half_life_days is not None:
            age = np.maximum(histories.now[0] - histories.moments[known], 0) / DAY
            weights = weights * np.exp2(-age / self.half_life_days)
        parts[known] = weights * likeness[histories.columns[known]]
        return parts


def _centred(embeddings: Float32 | None, n: int) -> Float32:
    """Return the embeddings without their mean, of length 1; rows without a text stay zero."""
    if embeddings is None or not n:
        return np.zeros((n, 0), dtype=np.float32)
    there = np.any(embeddings, axis=1)
    if not there.any():
        return np.zeros((n, 0), dtype=np.float32)
    centred = np.where(there[:, None], embeddings - embeddings[there].mean(axis=0), 0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1e-12), dtype=np.float32)
