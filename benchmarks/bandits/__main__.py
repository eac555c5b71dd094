"""
``python -m benchmarks.bandits [open_bandit] [hillstrom] [worlds] [decisions] [hold_out]``

Peers are optional: ``pip install mabwiser vowpalwabbit``; what is not installed is left out, and
that is said. The priors of Open Bandit's logging policy come from ``pip install --no-deps
obp==0.4.1`` (Apache-2.0). ``--quick``: fewer seeds and rounds; ``--seeds``, ``--first`` and
``--world``: so many worlds, from which seed on, and of which kind.
"""

from __future__ import annotations

import argparse
import json

from benchmarks.bandits import decisions, hillstrom, hold_out, open_bandit, worlds
from benchmarks.measures import RESULTS, machine

SECTIONS = {
    "open_bandit": open_bandit.run,
    "hillstrom": hillstrom.run,
    "worlds": worlds.run,
    "decisions": decisions.run,
    "hold_out": hold_out.run,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, help="so many worlds of each kind (default: 20)")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--world", action="append", choices=worlds.KINDS, help="default: both")
    arguments = parser.parse_args()
    if unknown := set(arguments.sections) - set(SECTIONS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    for name in arguments.sections or SECTIONS:
        print(f"== {name}")
        more = {}
        if name == "worlds":
            kinds = tuple(arguments.world or worlds.KINDS)
            more = {"n_seeds": arguments.seeds, "first": arguments.first, "kinds": kinds}
        rows = SECTIONS[name](quick=arguments.quick, **more)
        for row in rows:
            print("  ".join(f"{key} {_short(value)}" for key, value in row.items()), flush=True)
        RESULTS.mkdir(exist_ok=True)
        found = {"machine": machine(), "quick": arguments.quick, "rows": rows}
        kind = "-".join([name, *(arguments.world or ())])
        (RESULTS / f"bandits-{kind}.json").write_text(json.dumps(found, indent=1) + "\n")


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
