"""
One model on one made-up log, in a process of its own that may not hold more than 16 GB.

    python -m benchmarks.scale.models MODEL FOLDER

FOLDER holds the arrays of the log; the model's are written there and mapped, as web processes do.
Times are the processor's, of one thread: other work on the machine does not count.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.measures import peak_memory
from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders import (
    EASE,
    Blend,
    ItemKNN,
    MostPopular,
    Recommender,
    RepeatPurchase,
    RP3Beta,
    SequenceRules,
    SessionKNN,
    UserKNN,
)
from engagement.learning.recommenders.ranking import top_n

MEMORY = 16 * 10**9
CALLS, WARM_UP, LATEST = 200, 20, 50
HALF_HOUR = 1_800
PARTS = ("rows", "columns", "moments", "weights")

# It asks its members for every item; beyond a hundred thousand of them, only by name.
BLEND = "blend"
BLEND_UP_TO = 100_000

MODELS: dict[str, Callable[[], Recommender]] = {
    "best sellers": lambda: MostPopular(window_days=28, half_life_days=7),
    "own purchases": RepeatPurchase,
    "sequence rules": lambda: SequenceRules(session_gap=HALF_HOUR),
    "session neighbours": lambda: SessionKNN(session_gap=HALF_HOUR),
    "UserKNN": lambda: UserKNN(half_life_days=60),
    "EASE, 4,000 items": lambda: EASE(half_life_days=60, max_items=4_000),
    "ItemKNN": lambda: ItemKNN(weighting="bm25", half_life_days=60),
    "RP3β, 100 an item": lambda: RP3Beta(n_neighbours=100, half_life_days=60),
    BLEND: lambda: Blend(repeats=False),
}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with threadpool_limits(1):
        json.dump(measure(MODELS[name](), load(folder), folder), sys.stdout)


def save(log: Interactions, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        np.save(folder / f"{part}.npy", getattr(log, part))
    (folder / "shape.json").write_text(json.dumps([log.n_rows, log.n_columns]))


def load(folder: Path) -> Interactions:
    rows, columns, moments, weights = (np.load(folder / f"{part}.npy") for part in PARTS)
    return Interactions(
        rows, columns, moments, weights, *json.loads((folder / "shape.json").read_text())
    )


def measure(model: Recommender, log: Interactions, folder: Path) -> dict[str, Any]:
    before = peak_memory()
    started = time.process_time()
    model.fit(log, rng=np.random.default_rng(0))
    seconds = time.process_time() - started
    most = peak_memory()
    mapped, size = through_files(model, folder / "model")
    times = one_by_one(mapped, log)
    return {
        "fit_s": seconds,
        "data_mb": before / 1e6,
        "peak_mb": most / 1e6,
        "artifact_mb": size / 1e6,
        "p50_ms": float(np.median(times)),
        "p90_ms": float(np.quantile(times, 0.9)),
    }


def through_files(model: Recommender, folder: Path) -> tuple[Recommender, int]:
    folder.mkdir(exist_ok=True)
    arrays = {}
    size = 0
    for number, (part, array) in enumerate(model.get_arrays().items()):
        np.save(folder / f"{number}.npy", array)
        arrays[part] = np.load(folder / f"{number}.npy", mmap_mode="r")
        size += array.nbytes
    return type(model)(**model.get_options()).set_arrays(arrays), size


def one_by_one(model: Recommender, log: Interactions) -> list[float]:
    """Score and rank for one visitor after the other; milliseconds."""
    order = np.argsort(log.rows, kind="stable")
    bounds = np.searchsorted(log.rows[order], np.arange(log.n_rows + 1))
    now = int(log.moments.max()) + 1
    times = []
    # Who comes often is asked often.
    for event in np.random.default_rng(1).integers(0, len(log), CALLS + WARM_UP):
        row = log.rows[event]
        theirs = order[bounds[row] : bounds[row + 1]][-LATEST:]
        history = Histories.of(log.columns[theirs], moments=log.moments[theirs], now=now)
        started = time.process_time()
        top_n(model.score(history)[0], 20)
        times.append(1000 * (time.process_time() - started))
    return times[WARM_UP:]


if __name__ == "__main__":
    main()
