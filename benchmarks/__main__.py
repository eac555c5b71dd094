"""
``python -m benchmarks [SECTION …]``: everything that is measured, or some of it.

Sections: the data sets of benchmarks/quality/sections.py, ``scale``, ``database``, ``learning``,
``serving``. ``--quick`` is for a look: 500 questions a data set, logs up to a million events. Runs
go on where they were interrupted (benchmarks/results); ``--again`` measures anew. What was found
is written into docs/benchmarks.md and docs/scale.md with ``--write``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import benchmarks


def main() -> None:
    benchmarks.set_up()
    from benchmarks.quality.sections import SECTIONS

    others = ("scale", "database", "learning", "serving")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the tables into the docs")
    arguments = parser.parse_args()
    wanted = arguments.sections or [*SECTIONS, *others]
    if unknown := set(wanted) - {*SECTIONS, *others}:
        parser.error(
            f"there is no {', '.join(unknown)}; there are {', '.join([*SECTIONS, *others])}"
        )
    again = ["--again"] if arguments.again else []
    quick = ["--quick"] if arguments.quick else []
    small = ["--sizes", "1e5x1e4", "1e6x1e5"] if arguments.quick else []
    for name in wanted:
        if name in SECTIONS:
            from benchmarks.quality import __main__ as quality

            quality.main([name, *quick, *again])
        elif name in ("scale", "database"):
            from benchmarks.scale import __main__ as scale

            more = ["--database"] if name == "database" else []
            scale.main([*small, *again, *more])
        else:
            # They have settings of their own.
            subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
        print()
    if arguments.write:
        from benchmarks import tables

        tables.main()


if __name__ == "__main__":
    main()
