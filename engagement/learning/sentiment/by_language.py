"""One model of several: each language is read by the rung that was best for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

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
)
from engagement.learning.sentiment.heads import part
from engagement.learning.sentiment.languages import language

# Every language without a part of its own.
REST = ""


class ByLanguage(Classifier):
    """
    Hands each text to the part for its language, all others to the part ``""``.

    ``parts``: what :func:`.base.build` takes, by two-letter code. Parts are fitted one by one
    elsewhere and put in by :meth:`take`; :meth:`fit` fits each on the texts of its language.
    """

    def __init__(self, parts: Mapping[str, Mapping[str, Any]]) -> None:
        if REST not in parts:
            raise ValueError('parts need one under "", for languages without a part of their own')
        self.parts = {code: dict(spec) for code, spec in sorted(parts.items())}
        self._models = {code: build(spec) for code, spec in self.parts.items()}

    def take(self, models: Mapping[str, Classifier]) -> Self:
        """Use fitted models, by language; each is of the class that ``parts`` names."""
        self._models |= {code: models[code] for code in self.parts}
        return self

    @property
    def models(self) -> Mapping[str, Classifier]:
        return self._models

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        numbers = checked(texts, labels)
        generator = rng or np.random.default_rng(0)
        for code, rows in self._sorted(texts, languages).items():
            self._models[code].fit(
                [texts[row] for row in rows], numbers[rows], rng=generator.spawn(1)[0]
            )
        return self

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        return self.read(texts, languages)[0]

    def predict(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> Labels:
        return self.read(texts, languages)[1]

    def read(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> tuple[Float32, Labels]:
        """Return probabilities and the classes to which each text's own model decides."""
        proba = np.zeros((len(texts), N_CLASSES), dtype=np.float32)
        classes = np.zeros(len(texts), dtype=np.int64)
        for code, rows in self._sorted(texts, languages).items():
            if not len(rows):
                continue
            some = [texts[row] for row in rows]
            codes = None if languages is None else [languages[row] for row in rows]
            proba[rows] = self._models[code].predict_proba(some, codes)
            classes[rows] = self._models[code].decide(proba[rows])
        return proba, classes

    def vectors(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> list[Float32 | None]:
        found: list[Float32 | None] = [None] * len(texts)
        for code, rows in self._sorted(texts, languages).items():
            codes = None if languages is None else [languages[row] for row in rows]
            answers = self._models[code].vectors([texts[row] for row in rows], codes)
            for row, vector in zip(rows, answers, strict=True):
                found[row] = vector
        return found

    def explain(self, text: str) -> list[Span]:
        return self._models[self._code(language(text))].explain(text)

    def _sorted(
        self, texts: Sequence[str], languages: Sequence[str] | None
    ) -> dict[str, NDArray[np.int64]]:
        codes = [language(text) for text in texts] if languages is None else languages
        found = np.array([self._code(code) for code in codes], dtype=object)
        return {
            code: np.flatnonzero(found == code) if len(found) else np.empty(0, dtype=np.int64)
            for code in self.parts
        }

    def _code(self, code: str) -> str:
        short = code.split("-")[0].lower()
        return short if short in self.parts else REST

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        return {
            f"{_name(code)}-{name}": array
            for code, model in self._models.items()
            for name, array in model.get_arrays().items()
        }

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        for code, model in self._models.items():
            model.set_arrays(part(arrays, _name(code)))
        return self


def _name(code: str) -> str:
    return code or "rest"


def read(
    model: Classifier, texts: Sequence[str], languages: Sequence[str] | None = None
) -> tuple[Float32, Labels]:
    """Return any model's probabilities and the classes to which they amount, computed once."""
    if isinstance(model, ByLanguage):
        return model.read(texts, languages)
    proba = model.predict_proba(texts, languages)
    return proba, model.decide(proba)
