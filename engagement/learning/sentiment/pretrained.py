"""Rung 3, ready made: a sequence classifier that others have trained, as its authors left it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.base import (
    CLASSES,
    N_CLASSES,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Classifier,
    Float32,
    checked,
    imported,
)
from engagement.learning.sentiment.calibration import Calibrator, best_weights, logs
from engagement.learning.sentiment.cleaning import normalise
from engagement.learning.sentiment.encoders import SIGNS_A_TOKEN, fingerprint, quiet
from engagement.learning.sentiment.heads import part
from engagement.learning.sentiment.seed import NEUTRAL_SHARE
from engagement.learning.sentiment.transformer import WrongBase

# What publishers call their classes; looked for as words of the name.
_WORDS = {
    NEGATIVE: ("negative", "neg", "bad", "消极", "负面", "差评", "负向"),
    NEUTRAL: ("neutral", "neu", "mixed", "中性", "中立", "中评"),
    POSITIVE: ("positive", "pos", "good", "积极", "正面", "好评", "正向"),
}
_STARS = re.compile(r"^(?:stars?|rating|score)?[\s_-]*([1-5])[\s_-]*(?:stars?|星)?$")


class UnknownLabels(ValueError):
    """The model's labels do not say which of them is negative and which positive."""


class UntrainedHead(ValueError):
    """The folder holds an encoder without a trained classification head."""


class PretrainedClassifier(Classifier):
    """
    Any sequence classifier of the ``transformers`` library through its own
    ``pipeline("text-classification")`` and with its own trained head (the extra ``transformers``).

    ``base``: a local folder or a hub name; ``revision``: of the hub name; name one, or the model
    may change under you. Its labels become negative, neutral and positive by their names or by
    stars from 1 to 5 (:func:`class_of`); where they say neither (``LABEL_0``), ``labels`` does:
    ``{"LABEL_0": "negative", …}``. Of a model without a neutral label, what it cannot place is
    partly neutral. Labelled texts given to :meth:`fit` calibrate the answers, from ``min_texts``
    on, and change no weight; ``calibration``: see :class:`.calibration.Calibrator`.

    What is stored: name, revision and SHA-256 of the weights beside the calibration. Weights are
    read from safetensors only, no code of the model's own is run, and nothing is loaded before the
    first text is read, so that a process may fork first.
    """

    is_heavy = True

    base_sha256_: NDArray[np.uint8]

    def __init__(
        self,
        base: str,
        revision: str = "",
        labels: Mapping[str, str] | None = None,
        prefix: str = "",
        max_tokens: int = 256,
        batch_size: int = 16,
        calibration: str = "platt",
        min_texts: int = 100,
    ) -> None:
        if labels is not None and not set(labels.values()) <= set(CLASSES):
            raise ValueError(f"labels must name {', '.join(CLASSES)}, not {labels}")
        self.base = base
        self.revision = revision
        self.labels = labels
        self.prefix = prefix
        self.max_tokens = max_tokens
        self.batch_size = batch_size
        self.calibration = calibration
        self.min_texts = min_texts
        self._make()

    def _make(self) -> None:
        self._pipeline: Any = None
        self._classes: dict[str, int] = {}
        self._lines = Calibrator(self.calibration, self.min_texts)

    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
    ) -> Self:
        """
        Remember which weights were read, and calibrate.

        Raises MissingExtra, OSError (no such model), :class:`UnknownLabels`,
        :class:`UntrainedHead`.
        """
        numbers = checked(texts, labels)
        self._make()
        vars(self).pop("base_sha256_", None)
        self.base_sha256_ = fingerprint(self._loaded().model)
        self.decision_weights_ = np.ones(N_CLASSES)
        raw = self._raw(texts)
        self._lines.fit(logs(raw), numbers)
        if len(texts) >= self.min_texts:
            self.decision_weights_ = best_weights(self._lines.apply(logs(raw)), numbers)
        return self

    # -- answering --------------------------------------------------------------------------
    def _loaded(self) -> Any:
        if self._pipeline is None:
            self._pipeline = self._load()
        return self._pipeline

    def _load(self) -> Any:
        transformers = imported("transformers", "transformers")
        torch = imported("torch", "transformers")
        torch.set_num_threads(1)
        local = Path(self.base).is_dir()
        if not local and (self.base.startswith((".", "/")) or self.base.count("/") > 1):
            raise OSError(f"{self.base} is no folder")
        where = {"revision": self.revision} if self.revision and not local else {}
        safe = {"use_safetensors": True, "trust_remote_code": False}
        with quiet(transformers):
            model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
                self.base, output_loading_info=True, **safe, **where
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                self.base, trust_remote_code=False, **where
            )
            pipeline = transformers.pipeline(
                "text-classification",
                model=model.eval(),
                tokenizer=tokenizer,
                device=0 if torch.cuda.is_available() else -1,
            )
        if missing := sorted(report["missing_keys"]):
            raise UntrainedHead(f"{self.base} lacks weights: {', '.join(missing[:3])}")
        self._classes = self._mapped([str(name) for name in model.config.id2label.values()])
        known = getattr(self, "base_sha256_", None)
        if known is not None and fingerprint(model).tobytes() != np.asarray(known).tobytes():
            raise WrongBase(f"{self.base} is not the model that was calibrated")
        return pipeline

    def _mapped(self, names: Sequence[str]) -> dict[str, int]:
        """Return the class number of each of the model's labels."""
        given = {label: CLASSES.index(kind) for label, kind in (self.labels or {}).items()}
        found = {name: given[name] if name in given else class_of(name) for name in names}
        kinds = {kind for kind in found.values() if kind is not None}
        if not {NEGATIVE, POSITIVE} <= kinds or None in found.values():
            raise UnknownLabels(
                f"{self.base} calls its classes {', '.join(names)}: say with labels= which of "
                f"them are {', '.join(CLASSES)}"
            )
        return {name: kind for name, kind in found.items() if kind is not None}

    def _raw(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return what the model itself says, in three classes."""
        proba = np.zeros((len(texts), N_CLASSES))
        if not len(texts):
            return proba
        ask = self._loaded()
        given = [self.prefix + normalise(text)[: SIGNS_A_TOKEN * self.max_tokens] for text in texts]
        # Texts of like length together: padding is what batches waste.
        order = sorted(range(len(given)), key=lambda row: len(given[row]))
        answers = ask(
            [given[row] for row in order],
            top_k=None,
            truncation=True,
            max_length=self._longest(ask),
            batch_size=self.batch_size,
            # Also of a model made for several labels at once: here one of them holds.
            function_to_apply="softmax",
        )
        for row, answer in zip(order, answers, strict=True):
            for said in answer:
                proba[row, self._classes[said["label"]]] += float(said["score"])
        if NEUTRAL not in self._classes.values():
            neutral = NEUTRAL_SHARE * (1 - np.abs(proba[:, POSITIVE] - proba[:, NEGATIVE]))
            proba *= (1 - neutral)[:, None]
            proba[:, NEUTRAL] = neutral
        return proba

    def _longest(self, ask: Any) -> int:
        """Return how many tokens are read: no more than the model has places for."""
        places = getattr(ask.model.config, "max_position_embeddings", None) or 0
        # The RoBERTa family counts its places from two on.
        return min(
            self.max_tokens,
            int(ask.tokenizer.model_max_length),
            places - 2 if places > 2 else self.max_tokens,
        )

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        if not len(texts):
            return np.zeros((0, N_CLASSES), dtype=np.float32)
        return self._lines.apply(logs(self._raw(texts))).astype(np.float32)

    # -- storage ----------------------------------------------------------------------------
    def get_arrays(self) -> dict[str, NDArray[Any]]:
        lines = {f"lines-{name}": a for name, a in self._lines.get_arrays().items()}
        return super().get_arrays() | lines

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._lines.set_arrays(part(arrays, "lines"))
        return self


def class_of(name: str) -> int | None:
    """
    Return the class number that a model's label names, or None where it names none.

    «NEGATIVE», «LABEL_neg» and «very negative» are negative, «4 stars» and «5» positive, three
    stars neutral.
    """
    plain = name.casefold().strip()
    if stars := _STARS.match(plain):
        number = int(stars.group(1))
        return NEGATIVE if number < 3 else NEUTRAL if number == 3 else POSITIVE
    words = set(re.findall(r"[^\W_]+", plain))
    kinds = [kind for kind, known in _WORDS.items() if words & set(known)]
    return kinds[0] if len(kinds) == 1 else None
