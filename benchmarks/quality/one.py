"""
One model in one section, in a process of its own, so that its memory can be told.

    python -m benchmarks.quality.one SECTION '[{"BACKEND": …}]' --into FILE.npz

Writes the figures as JSON to standard output, and the metrics of every question into the file.
Times are the processor's, of one thread: other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import benchmarks
from benchmarks.measures import peak_memory

ASKED_ALONE = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("section")
    parser.add_argument("specs", help="JSON: one model, or several to choose from by validation")
    parser.add_argument("--into", type=Path)
    parser.add_argument("--sample", type=int)
    arguments = parser.parse_args()
    benchmarks.set_up()
    from benchmarks.quality.sections import SECTIONS

    specs = json.loads(arguments.specs)
    with threadpool_limits(1):
        found = measure_one(SECTIONS[arguments.section], specs, arguments.sample, arguments.into)
    json.dump(found, sys.stdout)


def measure_one(
    section: Any, specs: list[dict[str, Any]], sample: int | None, into: Path | None
) -> dict[str, Any]:
    from engagement.flows.training.protocol_tasks import Options

    tried = {}
    if len(specs) > 1:
        task, catalogue = section.load(
            Options(validation=True, sample=min(sample or 10**9, section.validation_sample))
        )
        for spec in specs:
            tried[json.dumps(spec)] = answer(section, task, catalogue, spec)[0]["decides"]
        specs = [json.loads(max(tried, key=lambda one: tried[one]))]
        del task, catalogue
    task, catalogue = section.load(Options(sample=sample))
    before = peak_memory()
    figures, questions = answer(section, task, catalogue, specs[0], alone=True)
    if into is not None:
        np.savez_compressed(into, **questions)
    return {
        **figures,
        "spec": specs[0],
        "tried": tried,
        "memory_mb": peak_memory() / 1e6,
        "data_mb": before / 1e6,
    }


def answer(
    section: Any, task: Any, catalogue: Any, spec: dict[str, Any], *, alone: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    from engagement.flows.training.candidates import fit
    from engagement.learning.recommenders.members import build

    learnt = task.train
    if spec.get("BASELINE") and task.baseline_from is not None:
        learnt = task.baseline_from
    model = build(spec)
    started = time.process_time()
    fit(model, learnt, rng=np.random.default_rng(0), catalogue=catalogue)
    fitted = time.process_time() - started
    outcomes = task.answered_by(model, task.popularity())
    variant = section.variant if section.variant in outcomes else task.variant
    figures: dict[str, Any] = {
        "decides": outcomes[variant].mean(task.metrics[0]),
        "k": task.k,
        "metrics": list(task.metrics),
        "fit_s": fitted,
        "n": {name: outcome.n for name, outcome in outcomes.items()},
        "train": len(task.train),
        "summary": {name: outcome.summary() for name, outcome in outcomes.items()},
    }
    if alone:
        figures |= latency(model, task.questions[variant])
    return figures, {
        f"{name}.{metric}": outcome.questions[metric].astype(np.float32)
        for name, outcome in outcomes.items()
        for metric in task.metrics
    }


def latency(model: Any, questions: Any) -> dict[str, float]:
    """Score and rank for one visitor after the other."""
    from engagement.learning.recommenders.ranking import top_n

    times = []
    asked = np.random.default_rng(0).integers(0, len(questions), ASKED_ALONE + 10)
    for number in asked:
        history = questions.slice(int(number), int(number) + 1).histories
        started = time.process_time()
        top_n(model.score(history)[0], 20)
        times.append(1000 * (time.process_time() - started))
    return {
        "p50_ms": float(np.median(times[10:])),
        "p90_ms": float(np.quantile(times[10:], 0.9)),
    }


if __name__ == "__main__":
    main()
