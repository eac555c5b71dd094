"""The contract of everything that says what a text feels."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.storable import Storable

Float32 = NDArray[np.float32]
Labels = NDArray[np.int64]
Span = tuple[int, int, float]
Model = TypeVar("Model", bound=Storable)

CLASSES = ("negative", "neutral", "positive")
NEGATIVE, NEUTRAL, POSITIVE = range(3)
N_CLASSES = len(CLASSES)


class MissingExtra(ImportError):
    """A package is not installed; the text names the extra that brings it."""


def imported(module: str, extra: str) -> ModuleType:
    """Import an optional package when it is used; raises MissingExtra with the line to type."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if not isinstance(error, ModuleNotFoundError):
            raise
        raise MissingExtra(
            f"{module} is not installed: pip install 'django-engagement[{extra}]'"
        ) from error


class Classifier(Storable):
    """
    Learns from texts and their classes, says how likely each class is.

    Options are the arguments of ``__init__``, stored unchanged under the same names; what is learnt
    lives in attributes that end in ``_`` and are arrays (:class:`~engagement.learning.storable.
    Storable`). Texts are taken as they are stored: cleaning happens inside, so that spans of
    :meth:`explain` point into what was given. Where a text has a title, it is the first line.
    """

    #: Whether it takes seconds to load and hundreds of megabytes to keep: workers read then.
    is_heavy: ClassVar[bool] = False

    #: Whether what it says is worth as much without a label as with some.
    knows_before: ClassVar[bool] = False

    #: What is multiplied onto the probabilities before the likeliest class is taken, shape (3,):
    #: the classes that make the macro-F1 largest need not be the likeliest ones.
    decision_weights_: NDArray[np.float64]

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """
        Learn from ``texts`` and the class numbers ``labels``, 0 to 2 as in ``CLASSES``.

        ``languages`` are codes as :func:`.text.language` gives them; without, the model looks for
        itself. Without texts, or with one class only, a model answers what it knew before or how
        frequent the classes were. The same data and ``rng`` give the same model. Raises ValueError
        when the lengths differ or a label is no class number.
        """
        raise NotImplementedError

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        """Return calibrated probabilities, shape (number of texts, 3); rows sum to 1."""
        raise NotImplementedError

    def decide(self, proba: ArrayLike) -> Labels:
        """Return the class numbers to which :meth:`predict_proba`'s answers amount."""
        weights = getattr(self, "decision_weights_", np.ones(N_CLASSES))
        rows = np.asarray(proba, dtype=np.float64).reshape(-1, N_CLASSES) * weights
        numbers: Labels = rows.argmax(axis=1).astype(np.int64)
        return numbers

    def predict(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> Labels:
        return self.decide(self.predict_proba(texts, languages))

    def vectors(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> list[Float32 | None]:
        """
        Return each text's vector, None where the model has none: texts of like meaning have vectors
        of like direction. Asked right after the probabilities of the same texts, it costs nothing.
        """
        return [None] * len(texts)

    def explain(self, text: str) -> list[Span]:
        """
        Return (start, end, weight) of the parts of ``text`` that speak for or against, in order.

        A weight above zero speaks for a positive text, below zero for a negative one. Models that
        are not linear return an empty list.
        """
        return []


def score(proba: ArrayLike) -> Float32:
    """Return one number in [-1, 1] a text: how much likelier positive is than negative."""
    rows = np.asarray(proba, dtype=np.float32).reshape(-1, N_CLASSES)
    difference: Float32 = np.clip(rows[:, POSITIVE] - rows[:, NEGATIVE], -1, 1)
    return difference


def checked(texts: Sequence[str], labels: ArrayLike) -> Labels:
    """Return the labels as class numbers; raises ValueError when they are none, or too few."""
    given = np.asarray(labels)
    numbers: Labels = given.astype(np.int64)
    if numbers.shape != (len(texts),):
        raise ValueError(f"{len(texts)} texts, but labels of shape {numbers.shape}")
    if ((numbers != given) | (numbers < 0) | (numbers >= N_CLASSES)).any():
        raise ValueError(f"labels must be class numbers from 0 to {N_CLASSES - 1}")
    return numbers


def frequencies(labels: Labels) -> NDArray[np.float64]:
    """Return how frequent each class is, smoothed so that none is impossible."""
    counts = np.bincount(labels, minlength=N_CLASSES) + 1.0
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def build(spec: Mapping[str, Any]) -> Classifier:
    """Build a classifier from ``{"BACKEND": dotted path, "OPTIONS": {…}}``."""
    return built(spec, Classifier, "classifier")


def taking(fit: Callable[..., Model], **options: Any) -> Callable[..., Model]:
    """Return ``fit`` with those of the ``options`` that it takes; the others it never sees."""
    able = inspect.signature(fit).parameters
    return partial(fit, **{name: value for name, value in options.items() if name in able})


def built(spec: Mapping[str, Any], kind: type[Model], what: str) -> Model:
    """Build a backend of some kind; raises TypeError where it is none, which is called ``what``."""
    module, _, name = str(spec["BACKEND"]).rpartition(".")
    backend = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(backend) and issubclass(backend, kind)):
        raise TypeError(f"{spec['BACKEND']} is no {what}")
    return backend(**spec.get("OPTIONS", {}))
