"""How a text feels about each thing that it names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, hstack

from engagement.learning.sentiment import valence
from engagement.learning.sentiment.aspect_terms import Aspect, Aspects, clauses, find_aspects
from engagement.learning.sentiment.base import (
    N_CLASSES,
    Classifier,
    Float32,
    Span,
    built,
    checked,
)
from engagement.learning.sentiment.grams import Grams, combine, pieces
from engagement.learning.sentiment.heads import Head, part
from engagement.learning.storable import Storable

__all__ = [
    "Aspect",
    "AspectPolarity",
    "AspectReader",
    "Aspects",
    "aspect_polarity",
    "build_reader",
    "clauses",
    "find_aspects",
]

Place = tuple[int, int]
# How much the clause counts against the whole text: reviews often praise one thing in a complaint.
CLAUSE_WEIGHT = 0.8
HERE = "\x03"  # Stands for the aspect itself, so that what is learnt of one helps for others.


def aspect_polarity(
    texts: Sequence[str],
    spans: Sequence[Place],
    classifier: Classifier,
    languages: Sequence[str] | None = None,
) -> Float32:
    """
    Return probabilities of the classes, shape (number of spans, 3): how each of ``texts`` feels
    about what stands at (start, end) in it. No labels of aspects are needed: ``classifier`` reads
    the clause around the span, and the whole text for what the clause leaves open.
    """
    around = [text[slice(*_clause_of(text, span))] for text, span in zip(texts, spans, strict=True)]
    if not around:
        return np.zeros((0, N_CLASSES), dtype=np.float32)
    near = classifier.predict_proba(around, languages)
    whole = classifier.predict_proba(texts, languages)
    mixed: Float32 = (CLAUSE_WEIGHT * near + (1 - CLAUSE_WEIGHT) * whole).astype(np.float32)
    return mixed


def _clause_of(text: str, span: Place) -> Place:
    for start, end in clauses(text):
        if start <= span[0] < end:
            return start, max(end, span[1])
    return 0, len(text)


class AspectReader(Storable):
    """
    The supervised path: learns from (text, span, class) how a text feels about what it names.

    Options, learnt attributes and storage are those of any
    :class:`~engagement.learning.storable.Storable`.
    """

    #: Whether it takes seconds to load and hundreds of megabytes to keep: workers read then.
    is_heavy: ClassVar[bool] = False

    def fit(
        self,
        texts: Sequence[str],
        spans: Sequence[Place],
        labels: ArrayLike,
        *,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """
        Learn from ``labels``, class numbers of what stands at (start, end) of each text.

        The same data and ``rng`` give the same model. Raises ValueError where lengths differ or a
        label is no class number.
        """
        raise NotImplementedError

    def predict_proba(self, texts: Sequence[str], spans: Sequence[Place]) -> Float32:
        """Return calibrated probabilities, shape (number of spans, 3); rows sum to 1."""
        raise NotImplementedError

    def decide(self, proba: ArrayLike) -> NDArray[np.int64]:
        """Return the class numbers to which :meth:`predict_proba`'s answers amount."""
        raise NotImplementedError

    def predict(self, texts: Sequence[str], spans: Sequence[Place]) -> NDArray[np.int64]:
        return self.decide(self.predict_proba(texts, spans))


def build_reader(spec: Mapping[str, Any]) -> AspectReader:
    """Build a reader of aspects from ``{"BACKEND": dotted path, "OPTIONS": {…}}``."""
    return built(spec, AspectReader, "reader of aspects")


class AspectPolarity(AspectReader):
    """
    The quick reader: learns from (text, span, class) how a text feels about what it names.

    Lines (:class:`.heads.Head`) over the grams of the clause, of the whole text, of the words near
    the aspect with their side and distance, the aspect's own words, and the feeling that a lexicon
    finds in each of these, weighed down with distance. ``window``: words looked at on each side.
    """

    def __init__(
        self,
        window: int = 6,
        strength: float = 1.0,
        calibration: str = "platt",
        max_grams: int = 50_000,
        words: str = "auto",
    ) -> None:
        self.window = window
        self.strength = strength
        self.calibration = calibration
        self.max_grams = max_grams
        self.words = words
        self._make()

    def _make(self) -> None:
        self._grams = {
            name: Grams(n_words=2, max_grams=self.max_grams, titles=False)
            for name in ("whole", "clause", "near")
        }
        self._head = Head(self.strength, True, self.calibration)

    def fit(
        self,
        texts: Sequence[str],
        spans: Sequence[Place],
        labels: ArrayLike,
        *,
        rng: np.random.Generator | None = None,
    ) -> Self:
        numbers = checked(texts, labels)
        if len(spans) != len(texts):
            raise ValueError(f"{len(texts)} texts, but {len(spans)} spans")
        self._make()
        self.uses_vader_ = np.array(valence.has_vader(self.words))
        views = self._views(texts, spans)
        for name, grams in self._grams.items():
            grams.fit(views[name])
        rows = self._rows(texts, spans)
        self._head.fit(rows, numbers, rng or np.random.default_rng(0))
        return self

    def predict_proba(self, texts: Sequence[str], spans: Sequence[Place]) -> Float32:
        return self._head.predict_proba(self._rows(texts, spans))

    def decide(self, proba: ArrayLike) -> NDArray[np.int64]:
        rows = np.asarray(proba, dtype=np.float64).reshape(-1, N_CLASSES)
        chosen: NDArray[np.int64] = (rows * self._head.decision_weights_).argmax(axis=1)
        return chosen

    # -- features ---------------------------------------------------------------------------
    def _views(self, texts: Sequence[str], spans: Sequence[Place]) -> dict[str, list[str]]:
        views: dict[str, list[str]] = {"whole": [], "clause": [], "near": []}
        for text, span in zip(texts, spans, strict=True):
            start, end = _clause_of(text, span)
            masked = f"{text[: span[0]]} {HERE} {text[span[1] :]}"
            views["whole"].append(masked)
            views["clause"].append(f"{text[start : span[0]]} {text[span[1] : end]}")
            views["near"].append(self._near(text, span))
        return views

    def _near(self, text: str, span: Place) -> str:
        """Return marked words: side and distance in three steps, and the aspect's own."""
        left = [piece.text for piece in pieces(text[: span[0]])][-self.window :]
        right = [piece.text for piece in pieces(text[span[1] :])][: self.window]
        own = [piece.text for piece in pieces(text[slice(*span)])]
        marked = [f"own{_plain(token)}" for token in own]
        for side, tokens in (("l", left[::-1]), ("r", right)):
            for distance, token in enumerate(tokens):
                step = 0 if distance < 2 else 1 if distance < 4 else 2
                marked += [f"{side}{step}{_plain(token)}", f"near{_plain(token)}"]
            if len(tokens) > 1:
                pair = combine(tokens[:2], 2, 2)[-1]
                marked.append(f"{side}p{_plain(pair)}")
        return " ".join(marked)

    def _rows(self, texts: Sequence[str], spans: Sequence[Place]) -> Any:
        views = self._views(texts, spans)
        blocks: list[Any] = [self._grams[name].transform(views[name]) for name in self._grams]
        blocks.append(csr_array(self._feelings(texts, spans)))
        return csr_array(hstack(blocks, format="csr"))

    def _feelings(self, texts: Sequence[str], spans: Sequence[Place]) -> NDArray[np.float64]:
        feel = valence.vader if bool(self.uses_vader_) else valence.builtin
        rows = np.zeros((len(texts), 5))
        known: dict[str, list[Span]] = {}
        for row, (text, span) in enumerate(zip(texts, spans, strict=True)):
            start, end = _clause_of(text, span)
            if text not in known:
                known[text] = valence.parts(text, vader=bool(self.uses_vader_))
            pull = 0.0
            for first, last, weight in known[text]:
                if last <= span[0] or first >= span[1]:
                    gap = text[last : span[0]] if last <= span[0] else text[span[1] : first]
                    pull += weight / (1 + gap.count(" ") + 3 * sum(map(gap.count, ",;.，；。")))
            rows[row] = (
                feel(text),
                feel(text[start:end]),
                feel(text[span[1] : end]),
                feel(text[start : span[0]]),
                np.tanh(pull),
            )
        return rows

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        for name, grams in self._grams.items():
            arrays |= {f"grams-{name}-{key}": a for key, a in grams.get_arrays().items()}
        return arrays | {f"head-{name}": a for name, a in self._head.get_arrays().items()}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        for name, grams in self._grams.items():
            grams.set_arrays(part(arrays, f"grams-{name}"))
        self._head.set_arrays(part(arrays, "head"))
        return self


def _plain(token: str) -> str:
    """Return the token without what would split it again."""
    return "".join(sign if sign.isalnum() else "x" for sign in token)
