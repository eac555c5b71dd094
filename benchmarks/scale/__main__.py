"""
Time and memory against events and items, up to ten million of a million; writes two pictures.

    python -m benchmarks.scale [--sizes 1e5x1e4 …] [--models NAME …] [--again] [--draw-only]
    python -m benchmarks.scale --database            # the event log, on SQLite
    python -m tests.services -- python -m benchmarks.scale --database

What is measured already (benchmarks/results/scale.json) is not measured again unless asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measures import RESULTS, ROOT, machine
from benchmarks.scale.made_up_log import made_up_log
from benchmarks.scale.models import BLEND, BLEND_UP_TO, MODELS, save

SIZES = ("1e5x1e4", "1e6x1e4", "1e6x1e5", "1e7x1e5", "1e7x1e6")
PICTURES = ROOT / "docs" / "images"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", default=SIZES, help="EVENTSxITEMS")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--database", action="store_true", help="measure reading the event log")
    parser.add_argument("--draw-only", action="store_true")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds a model may take")
    arguments = parser.parse_args(argv)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "scale.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    if not arguments.draw_only:
        for size in arguments.sizes:
            _measure(size, known, path, arguments)
    if not arguments.database:
        draw(known)


def _measure(size: str, known: dict[str, Any], path: Path, arguments: argparse.Namespace) -> None:
    n_events, n_items = (round(float(part)) for part in size.lower().split("x"))
    names = arguments.models
    if arguments.database:
        is_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
        names = ["PostgreSQL" if is_postgresql else "SQLite"]
    if names == list(MODELS) and n_items > BLEND_UP_TO:
        names = [name for name in names if name != BLEND]
    wanted = [name for name in names if arguments.again or f"{name} {size}" not in known]
    for name in names:
        if name not in wanted:
            _show(name, size, known[f"{name} {size}"])
    if not wanted:
        return
    with tempfile.TemporaryDirectory(prefix="engagement-scale-") as place:
        folder = Path(place)
        save(made_up_log(n_events, n_items), folder)
        for name in wanted:
            module = "database" if arguments.database else "models"
            words = [str(folder)] if arguments.database else [name, str(folder)]
            command = [sys.executable, "-m", f"benchmarks.scale.{module}", *words]
            try:
                done = subprocess.run(
                    command,
                    capture_output=True,
                    text=True,
                    timeout=arguments.timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                print(f"{name}, {size}: stopped after {arguments.timeout:.0f} s", flush=True)
                continue
            if done.returncode:
                why = done.stderr.strip().splitlines()[-1:]
                print(f"{name}, {size}: failed: {why}", flush=True)
                continue
            known[f"{name} {size}"] = json.loads(done.stdout)
            # Another run may have written meanwhile.
            stored = json.loads(path.read_text()) if path.is_file() else {}
            stored |= {f"{name} {size}": known[f"{name} {size}"], "machine": machine()}
            path.write_text(json.dumps(stored, indent=1) + "\n")
            _show(name, size, known[f"{name} {size}"])


def _show(name: str, size: str, found: dict[str, Any]) -> None:
    values = "  ".join(
        f"{what} {value:,.2f}" for what, value in found.items() if isinstance(value, float)
    )
    print(f"{name:<22}{size:<10}{values}", flush=True)


def draw(known: dict[str, Any]) -> None:
    """Draw the sizes that grow in step: ten events an item."""
    from engagement.management import pictures

    for what, heading, label, file in (
        ("fit_s", "Learning: seconds against events, ten an item", "seconds", "scale-time"),
        ("peak_mb", "Learning: memory against events, ten an item", "MB at most", "scale-memory"),
    ):
        series = {
            name: [
                (float(size.partition("x")[0]), found[what])
                for size in ("1e5x1e4", "1e6x1e5", "1e7x1e6")
                if (found := known.get(f"{name} {size}"))
            ]
            for name in MODELS
        }
        drawn = {name: points for name, points in series.items() if points}
        if drawn:
            text = pictures.lines(heading, drawn, x_label="events", y_label=label)
            (PICTURES / f"{file}.svg").write_text(text)


if __name__ == "__main__":
    main()
