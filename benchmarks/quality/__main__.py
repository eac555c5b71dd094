"""
Quality, time and memory of our models beside their peers, one process a model.

    python -m benchmarks.quality [SECTION …] [--quick] [--again] [--only NAME …]

What is measured already (benchmarks/results/quality-SECTION.json, by the model's settings) is not
measured again unless asked for: an interrupted run goes on. ``--quick`` asks 500 questions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import benchmarks
from benchmarks.measures import RESULTS, machine

BASELINE = "last week's best sellers"
QUICK = 500


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*")
    parser.add_argument("--quick", action="store_true", help=f"ask {QUICK} only")
    parser.add_argument("--again", action="store_true", help="measure what is known, too")
    parser.add_argument("--only", nargs="*", help="these models only")
    parser.add_argument("--timeout", type=float, default=3600.0, help="seconds a model may take")
    arguments = parser.parse_args(argv)
    benchmarks.set_up()
    from benchmarks.quality.sections import SECTIONS

    unknown = set(arguments.sections) - SECTIONS.keys()
    if unknown:
        parser.error(f"there is no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in arguments.sections or SECTIONS:
        run(
            SECTIONS[name],
            quick=arguments.quick,
            again=arguments.again,
            only=arguments.only,
            timeout=arguments.timeout,
        )


def baseline(section: Any) -> dict[str, Any]:
    # Where a file holds no times, a week means nothing.
    options = (
        {} if section.protocol.startswith(("fixed", "prefix", "leave")) else {"window_days": 7}
    )
    backend = "engagement.learning.recommenders.popular.MostPopular"
    return {"BACKEND": backend, "OPTIONS": options, "BASELINE": True}


def run(section: Any, *, quick: bool, again: bool, only: list[str] | None, timeout: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    label = f"{section.name}-quick" if quick else section.name
    path = RESULTS / f"quality-{label}.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    models = known.setdefault("models", {})
    name = BASELINE if section.has_moments else "best sellers"
    everybody = {
        name: [baseline(section)],
        **section.grids,
        **{model: [spec] for model, spec in section.ours.items()},
    }
    print(f"{section.title}{f' ({QUICK} asked)' if quick else ''}", flush=True)
    for model, specs in everybody.items():
        if only and model not in only:
            continue
        asked = json.dumps(list(specs), sort_keys=True)
        if again or model not in models or models[model]["asked"] != asked:
            into = RESULTS / f"quality-{label}-{_file(model)}.npz"
            found = _measure(section.name, asked, into, quick, timeout)
            if found is None:
                continue
            models[model] = {**found, "asked": asked, "questions": into.name}
            known["machine"] = machine()
            path.write_text(json.dumps(known, indent=1) + "\n")
        _show(model, models[model])


def _measure(
    section: str, specs: str, into: Path, quick: bool, timeout: float
) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.quality.one", section, specs, "--into", str(into)]
    if quick:
        command += ["--sample", str(QUICK)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        print(f"    stopped after {timeout:.0f} s: {specs[:90]}", flush=True)
        return None
    if done.returncode:
        print(f"    failed: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _show(name: str, found: dict[str, Any]) -> None:
    for variant, summary in found["summary"].items():
        k = found["k"]
        values = "  ".join(
            f"{metric}@{k} {summary[f'{metric}@{k}']:.4f}" for metric in found["metrics"]
        )
        print(f"  {name:<28}{variant:<5}{values}", flush=True)
    print(
        f"  {'':<33}fit {found['fit_s']:.1f} s, one visitor {found['p50_ms']:.2f} / "
        f"{found['p90_ms']:.2f} ms, peak {found['memory_mb']:,.0f} MB",
        flush=True,
    )


def _file(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name)


if __name__ == "__main__":
    main()
