"""How a text feels about each thing that it names, by an encoder that is told which thing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.aspects import AspectPolarity, AspectReader, Place
from engagement.learning.sentiment.base import N_CLASSES, Float32, checked
from engagement.learning.sentiment.finetuning import Progress
from engagement.learning.sentiment.heads import part
from engagement.learning.sentiment.transformer import Transformer


class AspectEncoder(AspectReader):
    """
    A reader by an encoder (the extra ``transformers``): reads the aspect and then the
    text with the aspect marked in it (Sun, Huang & Qiu 2019), fine-tuned on (text, span, class).

    ``base`` and the other options are those of :class:`.transformer.Transformer`. ``share``: how
    much of the answer is the encoder's; the rest is that of an :class:`.aspects.AspectPolarity`,
    which learns from the same labels and errs elsewhere.
    """

    is_heavy = True

    def __init__(
        self,
        base: str = "minilm",
        revision: str = "",
        prefix: str = "",
        quantised: bool = False,
        max_tokens: int = 128,
        epochs: int = 4,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        patience: int = 2,
        save_every: int = 100,
        min_texts: int = 100,
        share: float = 0.7,
        bfloat16: bool = False,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and no more than 1, not {share}")
        self.base = base
        self.revision = revision
        self.prefix = prefix
        self.quantised = quantised
        self.max_tokens = max_tokens
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.patience = patience
        self.save_every = save_every
        self.min_texts = min_texts
        self.share = share
        self.bfloat16 = bfloat16
        self._make()

    def _make(self) -> None:
        options = self.get_options()
        del options["share"]
        self._encoder = Transformer(tuned=True, **options)
        self._words = AspectPolarity()

    def fit(
        self,
        texts: Sequence[str],
        spans: Sequence[Place],
        labels: ArrayLike,
        *,
        rng: np.random.Generator | None = None,
        checkpoint: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Self:
        """Learn; ``checkpoint`` and ``progress`` are those of a fine-tuned transformer."""
        numbers = checked(texts, labels)
        rng = rng or np.random.default_rng(0)
        self._make()
        self._words.fit(texts, spans, numbers, rng=rng)
        self._encoder.fit(
            marked(texts, spans), numbers, rng=rng, checkpoint=checkpoint, progress=progress
        )
        return self

    def predict_proba(self, texts: Sequence[str], spans: Sequence[Place]) -> Float32:
        if not len(texts):
            return np.zeros((0, N_CLASSES), dtype=np.float32)
        proba = self.share * self._encoder.predict_proba(marked(texts, spans))
        if self.share < 1:
            proba += (1 - self.share) * self._words.predict_proba(texts, spans)
        return np.asarray(proba, dtype=np.float32)

    def decide(self, proba: ArrayLike) -> NDArray[np.int64]:
        return self._encoder.decide(proba)

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = {f"encoder-{name}": array for name, array in self._encoder.get_arrays().items()}
        return arrays | {f"words-{name}": a for name, a in self._words.get_arrays().items()}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        self._encoder.set_arrays(part(arrays, "encoder"))
        self._words.set_arrays(part(arrays, "words"))
        return self


def marked(texts: Sequence[str], spans: Sequence[Place]) -> list[str]:
    """Return «aspect : text», the aspect in brackets where it stands in the text."""
    if len(spans) != len(texts):
        raise ValueError(f"{len(texts)} texts, but {len(spans)} spans")
    return [
        f"{text[start:end]} : {text[:start]} [ {text[start:end]} ] {text[end:]}"
        for text, (start, end) in zip(texts, spans, strict=True)
    ]
