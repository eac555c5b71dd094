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
from engagement.learning.sentiment.bases import write_multilingual_e5
from engagement.learning.sentiment.seed import seed_reviews
from engagement.learning.sentiment.seed_encoder import write_seeded

LOCK_SECONDS = 12 * 3600
STEPS_BETWEEN = 10

Tell = Callable[[str], None]


def write(
    folder: Path,
    *,
    channel: str,
    at: datetime,
    pruned: bool = False,
    n_seeds: int = 0,
    rng: np.random.Generator | None = None,
    tell: Tell,
) -> Path:
    """
    Write multilingual-e5-small into ``folder`` and return that.

    ``pruned``: only the tokens of the shop's own texts and of the packaged reviews, a tenth of the
    memory. ``n_seeds``: first tuned on so many of the packaged reviews; one that was killed goes on
    when it is called again. Raises MissingExtra where a package is not installed, AlreadyRunning.
    """
    with lock(f"encoder:{folder.resolve()}", seconds=LOCK_SECONDS):
        known = seed_reviews() if pruned or n_seeds else ([], np.empty(0, dtype=np.int64))
        texts = None
        if pruned:
            texts = [*labels.read(channel=channel, until=at).texts, *known[0]]
        if not n_seeds:
            return write_multilingual_e5(folder, texts)
        work = artifact_files.scratch(f"encoder {folder.resolve()}")
        tell("writing the base")
        base = write_multilingual_e5(work / "base", texts)
        write_seeded(
            folder,
            base=str(base),
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
