"""Fine-tuning an encoder: early stopping on held-out texts, checkpoints that a kill survives."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.learning.sentiment.base import N_CLASSES, Labels, imported
from engagement.learning.sentiment.bases import READABLE
from engagement.learning.sentiment.calibration import softmax
from engagement.learning.sentiment.encoders import Encoder, batches

FORMAT = 1
STATE = "state.safetensors"
HEAD_RATE = 10.0  # The lines on top start from nothing: they learn so many times as fast.


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the fine-tuning is; ``loss`` is that of held-out texts after whole epochs."""

    step: int
    n_steps: int
    epoch: int
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """
    ``patience``: epochs without a better held-out loss before it ends; the best epoch is kept.
    ``frozen_layers``: lower layers that stay as they are, with the embeddings when there are any.
    ``frozen_words``: whether the table of tokens stays as it is, most of a multilingual encoder's
    weights. ``save_every``: steps between checkpoints. ``bfloat16``: multiply in bfloat16 and keep
    the weights in float32 (mixed precision, Kalamkar et al. 2019).
    """

    epochs: int
    learning_rate: float
    batch_size: int
    patience: int
    frozen_layers: int
    frozen_words: bool
    save_every: int
    bfloat16: bool = False


def fine_tune(
    encoder: Encoder,
    texts: Sequence[str],
    labels: Labels,
    held_out: tuple[Sequence[str], Labels],
    recipe: Recipe,
    rng: np.random.Generator,
    *,
    checkpoint: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Train ``encoder`` in place with lines on top, and return the lines (3 × width) and shifts (3).

    With ``checkpoint``, a folder, the state is written there every ``save_every`` steps and after
    each epoch, whole or not at all; called again with the same folder, texts and options it goes on
    where it was stopped. Uses a GPU where PyTorch finds one.
    """
    torch = imported("torch", "transformers")
    run = _Run(torch, encoder, recipe, int(rng.integers(2**31)))
    rows = encoder.tokens(texts)
    asked = encoder.tokens(held_out[0])
    steps = _plan(rows, recipe, run.seed)
    run.schedule(len(steps))
    if checkpoint is not None:
        run.restore(checkpoint, _signature(rows, labels, run))
    per_epoch = len(steps) // recipe.epochs
    while run.step < len(steps) and not run.is_over:
        places = steps[run.step]
        run.learn([rows[i] for i in places], labels[places])
        epoch_ends = run.step % per_epoch == 0
        if epoch_ends:
            run.judge(asked, held_out[1])
        if checkpoint is not None and (epoch_ends or run.step % recipe.save_every == 0):
            run.save(checkpoint)
        if progress is not None:
            progress(Progress(run.step, len(steps), run.epoch, run.loss if epoch_ends else None))
    return run.finish()


def drop_checkpoint(checkpoint: Path) -> None:
    """Remove the state: the model has been stored, or its texts have changed."""
    (checkpoint / STATE).unlink(missing_ok=True)


def _plan(rows: Sequence[Sequence[int]], recipe: Recipe, seed: int) -> list[list[int]]:
    """Return the batches of all epochs, the same after a restart: texts of like length together."""
    rng = np.random.default_rng(seed)
    steps: list[list[int]] = []
    for _ in range(recipe.epochs):
        order = rng.permutation(len(rows))
        pool = recipe.batch_size * 50
        chosen: list[list[int]] = []
        for start in range(0, len(order), pool):
            some = order[start : start + pool]
            inside = batches([rows[i] for i in some], recipe.batch_size)
            chosen += [[int(some[i]) for i in batch] for batch in inside]
        steps += [chosen[i] for i in rng.permutation(len(chosen))]
    return steps


def _signature(rows: Sequence[Sequence[int]], labels: Labels, run: _Run) -> str:
    """Return what tells this training from any other: its encoder, recipe, tokens and labels."""
    digest = hashlib.sha256(repr((run.recipe, run.seed, labels.tolist(), rows)).encode())
    digest.update(run.encoder.fingerprint().tobytes())
    return digest.hexdigest()


class _Run:
    def __init__(self, torch: Any, encoder: Encoder, recipe: Recipe, seed: int) -> None:
        self.torch = torch
        self.encoder = encoder
        self.recipe = recipe
        self.seed = seed
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.generator = torch.Generator().manual_seed(seed)
        encoder.model.to(self.device)
        self.head = torch.nn.Linear(encoder.width, N_CLASSES)
        with torch.no_grad():
            self.head.weight.normal_(0, 0.02, generator=self.generator)
            self.head.bias.zero_()
        self.head.to(self.device)
        self._freeze()
        self.learnt = {
            name: parameter
            for module, prefix in ((encoder.model, "encoder."), (self.head, "head."))
            for name, parameter in (
                (prefix + name, parameter) for name, parameter in module.named_parameters()
            )
            if parameter.requires_grad
        }
        groups: dict[float, list[Any]] = {1.0: [], HEAD_RATE: []}
        for name, parameter in self.learnt.items():
            groups[HEAD_RATE if name.startswith("head.") else 1.0].append(parameter)
        self.optimizer = torch.optim.AdamW(
            [{"params": params, "times": times} for times, params in groups.items()],
            lr=recipe.learning_rate,
            weight_decay=0.01,
        )
        self.step = self.epoch = self.epochs_without = 0
        self.n_steps = 1
        self.loss = float("inf")
        self.best = float("inf")
        self.best_state: dict[str, Any] = {}
        self.signature = ""

    def _freeze(self) -> None:
        model = self.encoder.model
        if self.recipe.frozen_words:
            model.get_input_embeddings().requires_grad_(False)
        if not self.recipe.frozen_layers:
            return
        layers = list(model.encoder.layer)[: self.recipe.frozen_layers]
        for module in (model.embeddings, *layers):
            module.requires_grad_(False)

    @property
    def is_over(self) -> bool:
        return self.epochs_without >= self.recipe.patience

    def schedule(self, n_steps: int) -> None:
        self.n_steps = n_steps

    def _rate(self) -> float:
        """A tenth of the steps up, then straight down to zero."""
        warm = max(self.n_steps // 10, 1)
        share = (self.step + 1) / warm if self.step < warm else None
        if share is None:
            share = (self.n_steps - self.step) / max(self.n_steps - warm, 1)
        return self.recipe.learning_rate * share

    def learn(self, rows: Sequence[Sequence[int]], labels: Labels) -> None:
        torch = self.torch
        self.encoder.model.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate() * group["times"]
        # Dropout draws from the global generator: fixed for the step, and given back.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed + self.step)
            ids, mask = self.encoder.pad(rows)
            truth = torch.from_numpy(labels).to(self.device)
            loss = torch.nn.functional.cross_entropy(self._answers(ids, mask), truth)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(self.learnt.values()), 1.0)
            self.optimizer.step()
        self.step += 1

    def judge(self, rows: Sequence[Sequence[int]], labels: Labels) -> None:
        """Take the held-out loss; a better one than ever is remembered with its weights."""
        self.epoch += 1
        proba = softmax(self._logits(rows)) if rows else np.zeros((0, N_CLASSES))
        likely = proba[np.arange(len(labels)), labels]
        self.loss = float(-np.log(np.clip(likely, 1e-6, 1)).mean()) if len(labels) else -self.epoch
        if self.loss < self.best:
            self.best, self.epochs_without = self.loss, 0
            self.best_state = {name: p.detach().clone() for name, p in self.learnt.items()}
        else:
            self.epochs_without += 1

    def _logits(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        self.encoder.model.eval()
        logits = np.zeros((len(rows), N_CLASSES))
        with self.torch.inference_mode():
            for places in batches(rows, self.recipe.batch_size * 2):
                ids, mask = self.encoder.pad([rows[i] for i in places])
                logits[places] = self._answers(ids, mask).cpu().numpy()
        return logits

    def _answers(self, ids: Any, mask: Any) -> Any:
        """Return the logits of a padded batch in float32, shape (texts, classes)."""
        mixed = self.torch.autocast(
            self.device, dtype=self.torch.bfloat16, enabled=self.recipe.bfloat16
        )
        with mixed:
            vectors = self.encoder.vectors(ids.to(self.device), mask.to(self.device))
            return self.head(vectors).float()

    def finish(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        with self.torch.no_grad():
            for name, value in self.best_state.items():
                self.learnt[name].copy_(value)
        self.encoder.model.requires_grad_(False).eval().to("cpu")
        head = self.head.cpu()
        return head.weight.detach().numpy(), head.bias.detach().numpy()

    # -- checkpoints --------------------------------------------------------------------------
    def _tensors(self) -> Iterator[tuple[str, Any]]:
        for name, parameter in self.learnt.items():
            yield f"now.{name}", parameter.detach()
            for key, value in self.optimizer.state.get(parameter, {}).items():
                yield f"optimizer.{key}.{name}", value
        for name, value in self.best_state.items():
            yield f"best.{name}", value

    def save(self, folder: Path) -> None:
        save_file = imported("safetensors.torch", "transformers").save_file
        folder.mkdir(parents=True, exist_ok=True)
        numbers = {
            "format": FORMAT,
            "signature": self.signature,
            "step": self.step,
            "epoch": self.epoch,
            "epochs_without": self.epochs_without,
            "best": self.best if np.isfinite(self.best) else None,
        }
        tensors = {name: value.cpu().contiguous().clone() for name, value in self._tensors()}
        partial = folder / f"{STATE}.partial"
        # The numbers travel inside the one file: a kill never leaves two halves that differ.
        save_file(tensors, str(partial), metadata={"numbers": json.dumps(numbers)})
        partial.chmod(READABLE)
        os.replace(partial, folder / STATE)

    def restore(self, folder: Path, signature: str) -> None:
        """Go on from the state in ``folder``, if it is of these texts and options."""
        self.signature = signature
        path = folder / STATE
        if not path.is_file():
            return
        safe_open = imported("safetensors", "transformers").safe_open
        with safe_open(str(path), framework="pt") as file:
            numbers = json.loads((file.metadata() or {}).get("numbers", "{}"))
            if numbers.get("signature") != signature or numbers.get("format") != FORMAT:
                return
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        self.step, self.epoch = numbers["step"], numbers["epoch"]
        self.epochs_without = numbers["epochs_without"]
        self.best = float("inf") if numbers["best"] is None else numbers["best"]
        with self.torch.no_grad():
            for name, parameter in self.learnt.items():
                parameter.copy_(tensors[f"now.{name}"])
                if f"optimizer.step.{name}" not in tensors:
                    continue  # It has had no gradient yet.
                self.optimizer.state[parameter] = {
                    key: tensors[f"optimizer.{key}.{name}"].to(
                        "cpu" if key == "step" else self.device
                    )
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
        self.best_state = {
            name.removeprefix("best."): value.to(self.device)
            for name, value in tensors.items()
            if name.startswith("best.")
        }
