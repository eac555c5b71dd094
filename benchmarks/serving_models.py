"""Model time: one visitor asks, a model scores its whole catalogue, the best are ranked."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engagement.learning.recommenders.features import Catalogue

SIZES = (10_000, 100_000)
N_EVENTS, N_BEST, CALLS, WARM_UP = 50, 20, 200, 20
DAY = 86_400


def measure() -> dict[str, dict[str, float]]:
    """Return milliseconds by model and size of the catalogue; rules and exclusions included."""
    found = {}
    for n_items in SIZES:
        rng = np.random.default_rng(2026)
        for name, model in models(n_items, rng).items():
            found[f"{name}, {n_items:,} items"] = _timed(model, n_items, rng)
    return found


def models(n_items: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return fitted models of a made-up catalogue; each visitor moves in a few regions of it."""
    from engagement.learning import recommenders
    from engagement.learning.interactions import Interactions
    from engagement.learning.recommenders import recipes
    from engagement.learning.recommenders.blend import Blend

    n_rows, n = n_items // 2, 20 * n_items
    rows = rng.integers(0, n_rows, n)
    region = (rows * 7 + rng.integers(0, 3, n) * 11) % (n_items // 100)
    place = (rng.pareto(1.1, n) * 6).astype(np.int64) % 100
    log = Interactions(
        rows=rows.astype(np.int32),
        columns=(region * 100 + place).astype(np.int32),
        moments=rng.integers(0, 180 * DAY, n),
        weights=np.ones(n, dtype=np.float32),
        n_rows=n_rows,
        n_columns=n_items,
    )
    wanted = {
        "best sellers": recommenders.MostPopular(window_days=28, half_life_days=7),
        "item neighbours": recommenders.ItemKNN(weighting="bm25", half_life_days=60),
        "own purchases": recommenders.RepeatPurchase(),
    }
    if n_items <= 10_000:
        # The matrix of a larger catalogue is not learnt on every page of it.
        wanted["EASE"] = recommenders.EASE(half_life_days=60, max_items=4_000)
    # As shops get it, but for the number of questions: they cost time to learn, none to answer.
    options = {**recipes.SHOP_BLEND["OPTIONS"], "n_questions": 1_000}
    fitted = {name: model.fit(log, rng=rng) for name, model in wanted.items()}
    blend = Blend(**options).fit(log, rng=rng, catalogue=_catalogue(n_items, rng))
    return {**fitted, "blend": blend}


def _catalogue(n_items: int, rng: np.random.Generator) -> Catalogue:
    """Return prices, categories and titles of eight words, half of them shared by a category."""
    from scipy.sparse import csr_array

    from engagement.learning.recommenders.features import Catalogue

    categories = np.arange(n_items) // 100
    words = rng.integers(0, 20_000, (n_items, 8))
    words[:, :4] = categories[:, None] * 13 + rng.integers(0, 20, (n_items, 4))
    parts = (np.ones(words.size), words.ravel(), np.arange(0, words.size + 1, 8))
    return Catalogue(
        prices=rng.gamma(2, 10, n_items).astype(np.float32),
        categories=categories.astype(np.int32),
        texts=csr_array(parts, shape=(n_items, 20_000), dtype=np.float32),
    )


def _timed(model: Any, n_items: int, rng: np.random.Generator) -> dict[str, float]:
    from engagement.learning.interactions import Histories

    taken, worked = [], []
    for number in range(WARM_UP + CALLS):
        columns = rng.integers(0, n_items, N_EVENTS)
        moments = np.sort(rng.integers(0, 180 * DAY, N_EVENTS))
        histories = Histories.of(columns, moments=moments, now=181 * DAY)
        started, before = time.perf_counter(), time.process_time()
        best, _scores = model.speak(histories).best_first(N_BEST + N_EVENTS)
        met = set(columns.tolist())
        best = [one for one in best.tolist() if one not in met][:N_BEST]
        if number >= WARM_UP:
            taken.append((time.perf_counter() - started) * 1000)
            worked.append((time.process_time() - before) * 1000)
    # Work of the processor as well: it tells a model apart from what else the machine does.
    return {
        "median": round(statistics.median(taken), 2),
        "p90": round(statistics.quantiles(taken, n=10)[8], 2),
        "cpu_median": round(statistics.median(worked), 2),
        "cpu_p90": round(statistics.quantiles(worked, n=10)[8], 2),
    }
