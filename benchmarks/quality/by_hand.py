"""One section in this process, for looking closer: other models, samples, validation questions."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import benchmarks


def main(names: Sequence[str], description: str | None) -> None:
    """Print the table of each section named, for the models asked for or all of ours."""
    benchmarks.set_up()
    from benchmarks.quality.sections import SECTIONS
    from engagement.flows.training.evaluate_log import Evaluated
    from engagement.flows.training.protocol_tasks import Options
    from engagement.flows.training.protocols import run
    from engagement.management import protocol_table

    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--validation", action="store_true", help="ask within the training data, to choose settings"
    )
    parser.add_argument("--sample", type=int, help="ask only so many, drawn with seed 0")
    parser.add_argument("--model", nargs="+", help="these only, by their names in the table")
    if len(names) > 1:
        parser.add_argument("--data", nargs="+", default=names, choices=names)
    arguments = parser.parse_args()
    options = Options(sample=arguments.sample, validation=arguments.validation)
    for name in getattr(arguments, "data", names):
        section = SECTIONS[name]
        specs = {**{peer: grid[0] for peer, grid in section.grids.items()}, **section.ours}
        wanted = arguments.model or list(section.ours)
        if unknown := set(wanted) - specs.keys():
            parser.error(f"no model {', '.join(unknown)}; there are {', '.join(specs)}")
        task, catalogue = section.load(options)
        print(section.title)
        with threadpool_limits(1):
            report = run(
                section.protocol,
                task,
                {model: _builder(specs[model]) for model in wanted},
                rng=np.random.default_rng(0),
                catalogue=catalogue,
                has_moments=section.has_moments,
            )
        for line in protocol_table.lines(Evaluated(report)):
            print(line)


def _builder(spec: Any) -> Callable[[], Any]:
    from engagement.learning.recommenders.members import build

    return lambda: build(spec)
