"""The part of SASRec that needs PyTorch: learning its arrays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

HELD_OUT, N_HELD_OUT = 0.1, 2_000  # Sentences whose last item says when to stop.
NOTHING = -1


def train(
    columns: NDArray[Any],
    sentences: NDArray[Any],
    n_items: int,
    options: dict[str, Any],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float32]]:
    """
    Return the arrays of a model that was trained on items in order, and sentence numbers beside.

    The sentences held out to choose the epoch are learnt from too, but for their last item.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(int(rng.integers(2**31)))
        model = _Model(n_items, options).to(device)
        windows, held_out = _windows(columns, sentences, options["length"], rng)
        if len(windows) and n_items > 1:
            _learn(model, windows, held_out, options, rng, device)
    arrays = {name: value.detach().cpu().numpy() for name, value in model.arrays().items()}
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def _learn(
    model: _Model,
    windows: NDArray[np.int64],
    held_out: NDArray[np.int64],
    options: dict[str, Any],
    rng: np.random.Generator,
    device: str,
) -> None:
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=options["learning_rate"], betas=(0.9, 0.98), weight_decay=1e-2
    )
    best, kept, waited = -1.0, copy.deepcopy(model.state_dict()), 0
    for _ in range(options["n_epochs"]):
        model.train()
        for batch in _batches(windows, options["batch_size"], rng):
            negatives = rng.integers(model.n_items, size=options["n_samples"])
            loss = model.loss(
                torch.from_numpy(batch).to(device), torch.from_numpy(negatives).to(device)
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        if not len(held_out):
            continue
        found = _ndcg(model, held_out, device)
        if found > best:
            best, kept, waited = found, copy.deepcopy(model.state_dict()), 0
        else:
            waited += 1
            if waited >= options["patience"]:
                break
    if len(held_out):
        model.load_state_dict(kept)


def _windows(
    columns: NDArray[Any], sentences: NDArray[Any], length: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Return windows of ``length + 1`` items, oldest first, ``NOTHING`` before a sentence begins.

    A long sentence is cut from its end, windows sharing one item: the last target of one is the
    first input of the next. Of the held-out sentences the windows do not know the last item.
    """
    bounds = np.flatnonzero(np.diff(sentences, prepend=-1, append=-1))
    starts, ends = bounds[:-1], bounds[1:]
    long = np.flatnonzero(ends - starts > 2)
    n_asked = min(int(len(long) * HELD_OUT), N_HELD_OUT)
    asked = rng.choice(long, n_asked, replace=False) if n_asked else long[:0]
    last = ends.copy()
    last[asked] -= 1
    cuts = [
        (start, end)
        for first, stop in zip(starts.tolist(), last.tolist(), strict=True)
        for start, end in _cut(first, stop, length)
    ]
    held_out = [(max(int(starts[i]), int(ends[i]) - length - 1), int(ends[i])) for i in asked]
    return _filled(columns, cuts, length + 1), _filled(columns, held_out, length + 1)


def _cut(first: int, stop: int, length: int) -> Iterator[tuple[int, int]]:
    while stop - first > 1:
        start = max(first, stop - length - 1)
        yield start, stop
        stop = start + 1


def _filled(columns: NDArray[Any], cuts: list[tuple[int, int]], width: int) -> NDArray[np.int64]:
    windows = np.full((len(cuts), width), NOTHING, dtype=np.int64)
    for row, (start, end) in enumerate(cuts):
        windows[row, width - (end - start) :] = columns[start:end]
    return windows


def _batches(
    windows: NDArray[np.int64], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield windows in random order, those of like length together and without common padding."""
    lengths = (windows != NOTHING).sum(axis=1)
    order = np.argsort(lengths + rng.random(len(windows)), kind="stable")
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    for i in rng.permutation(len(groups)):
        yield windows[groups[i], -lengths[groups[i]].max() :]


def _ndcg(model: _Model, held_out: NDArray[np.int64], device: str) -> float:
    """Return nDCG@10 of the last item among all items; it is the only one that counts."""
    model.eval()
    found = 0.0
    with torch.no_grad():
        for i in range(0, len(held_out), 256):
            windows = torch.from_numpy(held_out[i : i + 256]).to(device)
            scores = model.states(windows[:, :-1])[:, -1] @ model.items.weight.T
            answer = scores.gather(1, windows[:, -1:])
            rank = (scores > answer).sum(dim=1)
            found += float(torch.where(rank < 10, 1 / torch.log2(rank + 2.0), 0.0).sum())
    return found / len(held_out)


class _Model(nn.Module):
    """What SASRec._states computes, with gradients and dropout."""

    def __init__(self, n_items: int, options: dict[str, Any]) -> None:
        super().__init__()
        width = options["n_factors"]
        self.n_items = n_items
        self.n_heads = options["n_heads"]
        self.dropout = options["dropout"]
        self.items = nn.Embedding(max(n_items, 1), width)
        self.positions = nn.Parameter(torch.randn(options["length"], width) * 0.02)
        nn.init.normal_(self.items.weight, std=0.02)
        self.blocks = nn.ModuleList(_Block(width) for _ in range(options["n_blocks"]))
        self.last_norm = nn.LayerNorm(width)

    def states(self, read: torch.Tensor) -> torch.Tensor:
        """Return the state after each event: windows × length × width."""
        there = read >= 0
        length, width = read.shape[1], self.items.weight.shape[1]
        state = self.items(read.clamp(min=0)) * width**0.5 + self.positions[-length:]
        state = functional.dropout(state, self.dropout, self.training)
        causal = torch.ones(length, length, dtype=torch.bool, device=read.device).tril()
        itself = torch.eye(length, dtype=torch.bool, device=read.device)
        visible = ((causal & there[:, None, :]) | itself)[:, None]
        for block in self.blocks:
            state = block(state, visible, self.n_heads, self.dropout)
        return self.last_norm(state)

    def loss(self, windows: torch.Tensor, negatives: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of telling each next item from negatives that all share."""
        read, answers = windows[:, :-1], windows[:, 1:]
        asked = (read >= 0) & (answers >= 0)
        states, answers = self.states(read)[asked], answers[asked]
        right = (states * self.items(answers)).sum(dim=-1, keepdim=True)
        wrong = states @ self.items(negatives).T
        wrong = wrong.masked_fill(negatives[None, :] == answers[:, None], -1e9)
        scores = torch.cat([right, wrong], dim=1)
        return functional.cross_entropy(scores, torch.zeros_like(answers))

    def arrays(self) -> dict[str, torch.Tensor]:
        def of(name: str) -> torch.Tensor:
            return torch.stack([getattr(block, name).weight.T for block in self.blocks])

        norms = [
            torch.stack([b.one.weight, b.one.bias, b.two.weight, b.two.bias]) for b in self.blocks
        ]
        return {
            "items": self.items.weight[: self.n_items],
            "positions": self.positions,
            "last_norm": torch.stack([self.last_norm.weight, self.last_norm.bias]),
            "norms": torch.stack(norms),
            **{name: of(name) for name in _Block.MATRICES},
        }


class _Block(nn.Module):
    """Attention, then a gated feed-forward part, each behind a gate of its own (LiGR)."""

    MATRICES = ("inputs", "outputs", "gates", "wide", "narrow", "gates_wide")

    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inputs = nn.Linear(width, 3 * width, bias=False)
        self.outputs = nn.Linear(width, width, bias=False)
        self.gates = nn.Linear(width, width, bias=False)
        self.wide = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(2 * width, width, bias=False)
        self.gates_wide = nn.Linear(width, width, bias=False)

    def forward(
        self, state: torch.Tensor, visible: torch.Tensor, n_heads: int, dropout: float
    ) -> torch.Tensor:
        n, length, width = state.shape
        quiet = self.one(state)
        parts = self.inputs(quiet).view(n, length, 3, n_heads, width // n_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=visible)
        mixed = self.outputs(mixed.transpose(1, 2).reshape(n, length, width))
        gate = torch.sigmoid(self.gates(quiet))
        state = state + functional.dropout(mixed, dropout, self.training) * gate
        quiet = self.two(state)
        one, two = self.wide(quiet).chunk(2, dim=-1)
        fed = self.narrow(functional.silu(one) * two)
        gate = torch.sigmoid(self.gates_wide(quiet))
        return state + functional.dropout(fed, dropout, self.training) * gate
