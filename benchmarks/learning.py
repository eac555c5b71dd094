"""
How good each model ranks, how long it learns, and how long one visitor waits for its scores.

    python -m benchmarks.learning

Quality is measured on Online Retail under a 28-day time split (docs/evaluation.md) with the app's
own evaluation; ENGAGEMENT_DATA names the folder of data sets. Time is measured on a made-up shop
of 10,000 items, through model files that are mapped as web processes map them.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import benchmarks
from benchmarks.measures import DATA, RESULTS
from engagement.learning.evaluation import ALL, NEW, bootstrap, measure
from engagement.learning.interactions import DAY, Histories, Interactions
from engagement.learning.recommenders import (
    EASE,
    ItemKNN,
    MostPopular,
    Recommender,
    RepeatPurchase,
)
from engagement.learning.recommenders.ranking import top_n

THREADS = 1
N_ITEMS, N_VISITORS, N_EVENTS = 10_000, 40_000, 1_000_000
LENGTHS = (5, 50, 200)
CALLS = 300

MODELS: dict[str, Recommender] = {
    "best sellers of all time": MostPopular(),
    "best sellers of 7 days": MostPopular(window_days=7),
    "best sellers, 28 days, half-life 7": MostPopular(window_days=28, half_life_days=7),
    "item neighbours, cosine": ItemKNN(history="once"),
    "item neighbours, BM25, half-life 60": ItemKNN(weighting="bm25", half_life_days=60),
    "EASE, all weights": EASE(n_weights=None, history="once"),
    "EASE, all weights, half-life 60": EASE(n_weights=None, half_life_days=60),
    "EASE, 200 weights an item, half-life 60": EASE(n_weights=200, half_life_days=60),
    "EASE, 100 weights an item, half-life 60": EASE(n_weights=100, half_life_days=60),
    "EASE, 50 weights an item, half-life 60": EASE(n_weights=50, half_life_days=60),
    "own purchases, re-buy interval": RepeatPurchase(),
}


def quality() -> Iterator[dict[str, object]]:
    rng = np.random.default_rng(2026)
    benchmarks.set_up()
    from benchmarks.quality.sections import online_retail
    from engagement.flows.training.protocol_tasks import Options

    task, _ = online_retail(Options())
    questions, popularity = task.questions, task.popularity()
    for name, model in MODELS.items():
        started = time.perf_counter()
        model.fit(task.train)
        fitted = time.perf_counter()
        found = {kind: measure(model, some, popularity) for kind, some in questions.items()}
        low, high = bootstrap(found[ALL].questions["ndcg"], rng)
        yield {
            "model": name,
            "all": found[ALL].summary(),
            "new": found[NEW].summary(),
            "low": low,
            "high": high,
            "fit_s": fitted - started,
            "evaluate_s": time.perf_counter() - fitted,
            "bytes": sum(array.nbytes for array in model.get_arrays().values()),
        }


def made_up_shop() -> Interactions:
    """Return visitors with tastes for a few of 200 shelves, and popularity that falls off."""
    rng = np.random.default_rng(2026)
    rows = rng.integers(0, N_VISITORS, N_EVENTS)
    shelf = (rows * 7 + rng.geometric(0.3, N_EVENTS)) % 200
    columns = (shelf * (N_ITEMS // 200) + rng.geometric(0.08, N_EVENTS)) % N_ITEMS
    moments = rng.integers(0, 365 * DAY, N_EVENTS)
    return Interactions(
        rows.astype(np.int32),
        columns.astype(np.int32),
        moments,
        np.ones(N_EVENTS, dtype=np.float32),
        N_VISITORS,
        N_ITEMS,
    )


def latency(folder: Path) -> Iterator[dict[str, object]]:
    shop = made_up_shop()
    models: dict[str, Recommender] = {
        "best sellers, 28 days": MostPopular(window_days=28, half_life_days=7),
        "item neighbours, 100 an item": ItemKNN(weighting="bm25", half_life_days=60),
        "EASE, 200 weights an item": EASE(half_life_days=60),
        "EASE, all weights": EASE(half_life_days=60, n_weights=None),
        "own purchases": RepeatPurchase(),
    }
    for number, (name, model) in enumerate(models.items()):
        started = time.perf_counter()
        model.fit(shop)
        seconds = time.perf_counter() - started
        mapped = through_files(model, folder / str(number))
        for length in LENGTHS:
            times = time_one(mapped, length)
            yield {
                "model": name,
                "events": length,
                "p50_ms": float(np.median(times)),
                "p90_ms": float(np.quantile(times, 0.9)),
                "fit_s": seconds,
                "bytes": sum(array.nbytes for array in model.get_arrays().values()),
            }


def through_files(model: Recommender, folder: Path) -> Recommender:
    folder.mkdir()
    arrays = {}
    for part, array in model.get_arrays().items():
        np.save(folder / f"{part}.npy", array)
        arrays[part] = np.load(folder / f"{part}.npy", mmap_mode="r")
    return type(model)(**model.get_options()).set_arrays(arrays)


def time_one(model: Recommender, length: int) -> list[float]:
    """Score and rank for one visitor after the other, each another history; milliseconds."""
    rng = np.random.default_rng(length)
    times = []
    for call in range(CALLS + 20):
        shelf = rng.integers(0, 200, size=length) // 20
        columns = (shelf * (N_ITEMS // 200) + rng.geometric(0.08, length)) % N_ITEMS
        moments = np.sort(rng.integers(300 * DAY, 365 * DAY, length))
        history = Histories.of(columns, moments=moments, now=365 * DAY)
        started = time.perf_counter()
        top_n(model.score(history)[0], 20)
        if call >= 20:
            times.append((time.perf_counter() - started) * 1000)
    return times


def main() -> None:
    result: dict[str, object] = {"python": platform.python_version(), "threads": THREADS}
    with threadpool_limits(THREADS), tempfile.TemporaryDirectory() as folder:
        if (DATA / "online_retail").is_dir():
            print("Online Retail, 28-day time split: nDCG@10 and recall@10, all items | new items")
            result["quality"] = [_show_quality(row) for row in quality()]
        else:
            print(f"{DATA} holds no online_retail: quality is not measured (ENGAGEMENT_DATA)")
        print(f"\nOne visitor, {N_ITEMS:,} items: score and rank, p50 and p90")
        result["latency"] = [_show_latency(row) for row in latency(Path(folder))]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "learning.json").write_text(json.dumps(result, indent=1) + "\n")


def _show_quality(row: dict) -> dict:
    print(
        f"{row['model']:<42}{row['all']['ndcg@10']:.3f} ({row['low']:.3f}–{row['high']:.3f}) "
        f"{row['all']['recall@10']:.3f} | {row['new']['ndcg@10']:.3f} {row['new']['recall@10']:.3f}"
        f"   fit {row['fit_s']:6.2f} s, evaluate {row['evaluate_s']:5.2f} s,"
        f" {row['bytes'] / 1e6:6.1f} MB",
        flush=True,
    )
    return row


def _show_latency(row: dict) -> dict:
    print(
        f"{row['model']:<32}{row['events']:>4} events  {row['p50_ms']:6.2f} ms"
        f" {row['p90_ms']:6.2f} ms   fit {row['fit_s']:6.2f} s, {row['bytes'] / 1e6:6.1f} MB",
        flush=True,
    )
    return row


if __name__ == "__main__":
    main()
