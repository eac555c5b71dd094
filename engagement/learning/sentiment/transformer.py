"""Rung 3: a pretrained transformer, as it is, with a small head, or fine-tuned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment import bases
from engagement.learning.sentiment.base import (
    N_CLASSES,
    Classifier,
    Float32,
    Labels,
    checked,
    imported,
)
from engagement.learning.sentiment.encoders import Encoder, Graph
from engagement.learning.sentiment.finetuning import Progress, Recipe, fine_tune
from engagement.learning.sentiment.heads import Head, part

HELD_OUT = 0.1  # Of the texts, for early stopping and calibration of fine-tuned models.


class WrongBase(ValueError):
    """The encoder in the folder is not the one that the head was learnt on."""


class Transformer(Classifier):
    """
    An encoder of the ``transformers`` library under :class:`.heads.Head` (the extra
    ``transformers``).

    ``base``: a local folder or a hub name; ``"minilm"`` for the MiniLM of an installed package
    (:func:`.bases.find_minilm`). ``revision``: of the hub name; name one, or the model may change
    under you. ``tuned``: whether the encoder is fine-tuned with the labels, and not only the head
    learnt on what it says; see :class:`.finetuning.Recipe` for the options of that. Fewer than
    ``min_texts`` labels tune nothing. ``depth``: only so many of the encoder's lowest layers, 0 for
    all; half of them answer twice as fast and want to be tuned. ``bfloat16``: tune, and
    read with PyTorch, in mixed precision: twice as fast on processors and GPUs that multiply such
    numbers, slower on others. ``quantised``: keep the encoder as an int8 ONNX graph inside the
    model, so that answering needs ONNX Runtime only, some 80 MB.

    ``n_texts`` above zero: the head of a frozen encoder is learnt on no more texts than these, of
    each class as many if there are so many, since reading is what takes the time; the same ones
    every time, and probabilities are calibrated for how frequent the classes are among all.

    What is stored: of a frozen encoder its name, revision and SHA-256 beside the head, of a tuned
    one the changed weights in half precision, of a quantised one the graph and the tokenizer.
    Answering loads the encoder at the first text, never before.
    """

    is_heavy = True

    # Whether the untrained encoder can be had again when the model is loaded.
    _has_base = True

    base_sha256_: NDArray[np.uint8]
    graph_: NDArray[np.uint8]
    weights_: NDArray[np.uint8]
    tokenizer_: NDArray[np.uint8]

    def __init__(
        self,
        base: str = "minilm",
        revision: str = "",
        prefix: str = "",
        tuned: bool = False,
        quantised: bool = False,
        max_tokens: int = 128,
        strength: float = 10.0,
        calibration: str = "platt",
        epochs: int = 3,
        learning_rate: float = 5e-5,
        batch_size: int = 16,
        patience: int = 1,
        frozen_layers: int = 0,
        frozen_words: bool = True,
        depth: int = 0,
        save_every: int = 100,
        min_texts: int = 100,
        bfloat16: bool = False,
        n_texts: int = 0,
    ) -> None:
        self.base = base
        self.revision = revision
        self.prefix = prefix
        self.tuned = tuned
        self.quantised = quantised
        self.max_tokens = max_tokens
        self.strength = strength
        self.calibration = calibration
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.patience = patience
        self.frozen_layers = frozen_layers
        self.frozen_words = frozen_words
        self.depth = depth
        self.save_every = save_every
        self.min_texts = min_texts
        self.bfloat16 = bfloat16
        self.n_texts = n_texts
        self._make()

    def _make(self) -> None:
        self._head = Head(self.strength, True, self.calibration)
        self._encoder: Encoder | Graph | None = None
        # The texts read last with their vectors, for who asks for these next.
        self._latest: tuple[tuple[str, ...], Float32] = ((), np.zeros((0, 0), dtype=np.float32))
        self._changed: dict[str, NDArray[np.float16]] = {}
        for name in ("graph_", "weights_", "tokenizer_", "base_sha256_"):
            vars(self).pop(name, None)

    # -- learning ---------------------------------------------------------------------------
    def fit(
        self,
        texts: Sequence[str],
        labels: ArrayLike,
        *,
        languages: Sequence[str] | None = None,
        rng: np.random.Generator | None = None,
        checkpoint: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
        stars: ArrayLike | None = None,
    ) -> Self:
        """
        Learn; with ``checkpoint``, a folder, a fine-tuning that was killed goes on when it is
        called again with the same texts. ``progress`` is called after each step of it. The head of
        a frozen encoder draws a line for each number of ``stars`` that the texts were given with
        (:func:`.heads.graded`) instead of each class.
        """
        numbers = checked(texts, labels)
        rng = rng or np.random.default_rng(0)
        self._make()
        encoder = self._prepare(texts, rng)
        self.base_sha256_ = encoder.fingerprint()
        enough = len(texts) >= self.min_texts and len(np.unique(numbers)) > 1
        if self.tuned and enough:
            self._tune(encoder, texts, numbers, rng, checkpoint, progress)
        else:
            if not self._has_base:
                # Nothing to take the weights from again: they are the model's own.
                self._changed = _halved(encoder.model.state_dict())
                encoder.model.load_state_dict(self._restored(encoder))
            self._settle(encoder)
            # The head is learnt on what it will be asked about, int8 where that is kept.
            self._learn_head(texts, numbers, rng, stars)
        self.decision_weights_ = self._head.decision_weights_
        return self

    def _learn_head(
        self,
        texts: Sequence[str],
        numbers: Labels,
        rng: np.random.Generator,
        stars: ArrayLike | None,
    ) -> None:
        shares = None
        if 0 < self.n_texts < len(texts):
            rows, shares = some_of(texts, numbers, self.n_texts)
            texts, numbers = [texts[row] for row in rows], numbers[rows]
            stars = None if stars is None else np.asarray(stars)[rows]
        self._head.fit(self._loaded().embed(texts), numbers, rng, shares=shares, stars=stars)

    def _settle(self, encoder: Encoder) -> None:
        """Answer with this encoder from now on, or with the graph that it makes."""
        self._encoder = encoder
        if not self.quantised:
            return
        self.graph_, self.weights_ = encoder.as_graph()
        self.tokenizer_ = encoder.tokenizer_file()
        self.pad_ = np.array(int(encoder.tokenizer.pad_token_id or 0))
        self.longest_ = np.array(encoder.max_tokens)
        self._changed = {}
        self._encoder = None

    def _prepare(self, texts: Sequence[str], rng: np.random.Generator) -> Encoder:
        """Return the encoder to start from."""
        name = str(bases.find_minilm()) if self.base == "minilm" else self.base
        encoder = Encoder.load(name, self.revision, self.max_tokens, self.prefix, self.bfloat16)
        return encoder.cut(self.depth) if self.depth else encoder

    def _tune(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        numbers: Labels,
        rng: np.random.Generator,
        checkpoint: Path | None,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        order = rng.permutation(len(texts))
        n_asked = max(round(HELD_OUT * len(texts)), 1)
        asked, known = order[:n_asked], order[n_asked:]
        before = {
            name: tensor.detach().clone() for name, tensor in encoder.model.state_dict().items()
        }
        asked_texts = [texts[i] for i in asked]
        coef, intercept = fine_tune(
            encoder,
            [texts[i] for i in known],
            numbers[known],
            (asked_texts, numbers[asked]),
            self._recipe(),
            rng,
            checkpoint=checkpoint,
            progress=progress,
        )
        after = encoder.model.state_dict()
        self._changed = _halved(
            {name: t for name, t in after.items() if not bool((t == before[name]).all())}
        )
        # Half precision is what will be answered with: calibrate that.
        encoder.model.load_state_dict(self._restored(encoder))
        logits = encoder.embed(asked_texts) @ coef.T + intercept
        self._head.take(coef, intercept, logits, numbers[asked], np.unique(numbers))
        self._settle(encoder)

    def _recipe(self) -> Recipe:
        return Recipe(
            self.epochs,
            self.learning_rate,
            self.batch_size,
            self.patience,
            self.frozen_layers,
            self.frozen_words,
            self.save_every,
            self.bfloat16,
        )

    def _restored(self, encoder: Encoder) -> dict[str, Any]:
        torch = imported("torch", "transformers")
        state: dict[str, Any] = dict(encoder.model.state_dict())
        for name, array in self._changed.items():
            state[name] = torch.from_numpy(array.astype(np.float32))
        return state

    def _is_base(self, encoder: Encoder) -> bool:
        return encoder.fingerprint().tobytes() == np.asarray(self.base_sha256_).tobytes()

    # -- answering --------------------------------------------------------------------------
    def _loaded(self) -> Encoder | Graph:
        if self._encoder is None:
            self._encoder = self._load()
        return self._encoder

    def _load(self) -> Encoder | Graph:
        if hasattr(self, "graph_"):
            # Models of earlier versions did not record it.
            longest = int(getattr(self, "longest_", self.max_tokens))
            weights = getattr(self, "weights_", None)
            pad = int(self.pad_)
            return Graph(self.graph_, self.tokenizer_, longest, self.prefix, pad, weights)
        encoder = self._prepare([], np.random.default_rng(0))
        if not self._is_base(encoder):
            raise WrongBase(f"{self.base} is not the encoder that this model was learnt on")
        if self._changed:
            encoder.model.load_state_dict(self._restored(encoder))
        return encoder

    def predict_proba(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> Float32:
        if not len(texts):
            return np.zeros((0, N_CLASSES), dtype=np.float32)
        return self._head.predict_proba(self._embedded(texts))

    def vectors(
        self, texts: Sequence[str], languages: Sequence[str] | None = None
    ) -> list[Float32 | None]:
        return list(self._embedded(texts)) if len(texts) else []

    def _embedded(self, texts: Sequence[str]) -> Float32:
        asked = tuple(texts)
        if self._latest[0] != asked:
            self._latest = asked, self._loaded().embed(texts)
        return self._latest[1]

    # -- storage ----------------------------------------------------------------------------
    def write_encoder(self, folder: Path) -> Path:
        """
        Write the encoder as it is now into ``folder``, to be another model's ``base``; return the
        folder. Raises ValueError where it is quantised: such a one cannot be learnt on.
        """
        encoder = self._loaded()
        if isinstance(encoder, Graph):
            raise ValueError("a quantised encoder is no base for another one")
        return encoder.write(folder)

    def get_arrays(self) -> dict[str, NDArray[Any]]:
        arrays = super().get_arrays()
        arrays |= {f"changed-{name}": array for name, array in self._changed.items()}
        return arrays | {f"head-{name}": a for name, a in self._head.get_arrays().items()}

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        self._make()
        super().set_arrays({name: array for name, array in arrays.items() if "-" not in name})
        self._changed = part(arrays, "changed")
        self._head.set_arrays(part(arrays, "head"))
        return self


def some_of(texts: Sequence[str], numbers: Labels, n: int) -> tuple[list[int], NDArray[np.float64]]:
    """Return the positions :func:`chosen`, and how frequent classes are among all, (3,)."""
    return chosen(texts, numbers, n), np.bincount(numbers, minlength=N_CLASSES) / len(numbers)


def chosen(texts: Sequence[str], numbers: Labels, n: int) -> list[int]:
    """Return ``n`` positions, of each class as many while it lasts; by the texts, not by chance."""
    digests = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    order = sorted(range(len(texts)), key=digests.__getitem__)
    queues = [[i for i in order if numbers[i] == number] for number in range(N_CLASSES)]
    # By rank within the own class, and so one class after the other.
    ranked = sorted(
        (rank, number, i) for number, queue in enumerate(queues) for rank, i in enumerate(queue)
    )
    return sorted(i for *_, i in ranked[:n])


def _halved(state: Mapping[str, Any]) -> dict[str, NDArray[np.float16]]:
    """Return weights in half precision, those that are no floating-point numbers left out."""
    return {
        name: tensor.detach().cpu().numpy().astype(np.float16)
        for name, tensor in state.items()
        if tensor.is_floating_point()
    }
