"""A transformer that reads a history as a sentence of items: an optional part."""

from __future__ import annotations

import importlib.util
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engagement.learning.interactions import Float32, Histories, Interactions
from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.rankers import MissingExtra
from engagement.learning.recommenders.ranking import from_zero
from engagement.learning.recommenders.sequence import in_order, known_events, steps_from_end

EPSILON = 1e-5  # As torch.nn.LayerNorm has it.


class SASRec(Recommender):
    """
    Self-attentive sequential recommendation (Kang and McAuley, ICDM 2018), as later work improved
    it: a softmax over shared negatives for the loss (gSASRec, Petrov and Macdonald, RecSys 2023;
    eSASRec, RecSys 2025), gated residual blocks of attention and SwiGLU (LiGR).

    Learning needs PyTorch, on a GPU where there is one; scoring is NumPy and needs none.
    ``n_factors``: width; ``length``: the latest events that are read; ``n_samples``: negatives a
    batch; ``patience``: epochs without a better nDCG@10 on held-out last events before it stops.
    """

    items_: Float32
    positions_: Float32
    last_norm_: Float32
    norms_: Float32
    inputs_: Float32
    outputs_: Float32
    gates_: Float32
    wide_: Float32
    narrow_: Float32
    gates_wide_: Float32

    def __init__(
        self,
        n_factors: int = 64,
        n_blocks: int = 2,
        n_heads: int = 2,
        length: int = 50,
        dropout: float = 0.5,
        n_samples: int = 256,
        n_epochs: int = 60,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        patience: int = 4,
        session_gap_days: float | None = None,
    ) -> None:
        if n_factors % n_heads:
            raise ValueError(f"n_factors ({n_factors}) is no multiple of n_heads ({n_heads})")
        self.n_factors = n_factors
        self.n_blocks = n_blocks
        self.n_heads = n_heads
        self.length = length
        self.dropout = dropout
        self.n_samples = n_samples
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.patience = patience
        self.session_gap_days = session_gap_days

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("torch", "torch")
        # Imported here: a web process that only scores must never load PyTorch.
        from engagement.learning.recommenders import sasrec_training

        gap = self.session_gap_days
        order, sentences = in_order(interactions, None if gap is None else int(gap * 86_400))
        self.n_items_ = np.asarray(interactions.n_columns)
        arrays = sasrec_training.train(
            interactions.columns[order],
            sentences,
            interactions.n_columns,
            self.get_options(),
            rng or np.random.default_rng(0),
        )
        for name, array in arrays.items():
            setattr(self, f"{name}_", array)
        return self

    def score(self, histories: Histories) -> Float32:
        read, there = self._windows(histories)
        scores = self._states(read, there) @ self.items_.T
        return from_zero(scores, there[:, -1] if len(histories) else np.zeros(0, dtype=bool))

    def _windows(self, histories: Histories) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the latest events, newest last, and where there are any: histories × length."""
        known = known_events(histories, self.n_items)
        steps = steps_from_end(histories, known)
        used = known & (steps < self.length)
        at = histories.rows()[used], self.length - 1 - steps[used]
        read = np.zeros((len(histories), self.length), dtype=np.int64)
        there = np.zeros(read.shape, dtype=bool)
        read[at], there[at] = histories.columns[used], True
        # No further back than the longest history reaches: the rest is padding for everybody.
        longest = max(int(there.sum(axis=1).max(initial=0)), 1)
        return read[:, -longest:], there[:, -longest:]

    def _states(self, read: NDArray[np.int64], there: NDArray[np.bool_]) -> Float32:
        """Return what each history has come to after its last event: histories × factors."""
        n, length = read.shape
        if not n or not self.n_items:
            return np.zeros((n, self.n_factors), dtype=np.float32)
        state = self.items_[read] * np.float32(np.sqrt(self.n_factors)) + self.positions_[-length:]
        causal = np.tril(np.ones((length, length), dtype=bool))
        # Every place looks at itself at least, so that padding yields numbers, which nobody reads.
        visible = (causal & there[:, None, :]) | np.eye(length, dtype=bool)
        hidden = np.where(visible, np.float32(0), np.float32(-1e9))[:, None]
        for block in range(len(self.norms_)):
            quiet = _normalised(state, self.norms_[block, :2])
            mixed = self._attention(quiet, hidden, block)
            state = state + mixed * _sigmoid(quiet @ self.gates_[block])
            quiet = _normalised(state, self.norms_[block, 2:])
            one, two = np.split(quiet @ self.wide_[block], 2, axis=-1)
            fed = (one * _sigmoid(one) * two) @ self.narrow_[block]
            state = state + fed * _sigmoid(quiet @ self.gates_wide_[block])
        return np.asarray(_normalised(state[:, -1], self.last_norm_), dtype=np.float32)

    def _attention(self, quiet: Float32, hidden: Float32, block: int) -> Float32:
        n, length, width = quiet.shape
        heads = (n, length, 3, self.n_heads, width // self.n_heads)
        parts = (quiet @ self.inputs_[block]).reshape(heads).transpose(2, 0, 3, 1, 4)
        query, key, value = parts
        weights = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(heads[-1])) + hidden
        weights = np.exp(weights - weights.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value).transpose(0, 2, 1, 3).reshape(n, length, width)
        return np.asarray(mixed @ self.outputs_[block], dtype=np.float32)


def _normalised(state: Float32, scale_and_shift: Float32) -> Float32:
    mean = state.mean(axis=-1, keepdims=True)
    spread = np.sqrt(state.var(axis=-1, keepdims=True) + EPSILON)
    return np.asarray((state - mean) / spread * scale_and_shift[0] + scale_and_shift[1])


def _sigmoid(x: Float32) -> Float32:
    return np.asarray(1 / (1 + np.exp(-x)))
