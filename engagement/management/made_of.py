"""How a terminal shows what a model is made of, and which data would unlock more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engagement.flows.training import report

MOST = 6


def lines(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield a table of the members of a blend, weightiest first, and a line for what is missing."""
    members = metrics.get("members") or {}
    if members:
        width = max(map(len, members)) + 2
        yield f"{'':{width}}{'weight':>8}{'proposed':>10}{'alone':>8}  of the new answers found"
        for name, facts in sorted(members.items(), key=lambda pair: -pair[1]["gain"]):
            parts = f"{facts['gain']:>8.0%}{facts['proposed']:>10.0%}{facts['alone']:>8.0%}"
            yield f"{name:{width}}{parts}"
        features = list((metrics.get("features") or {}).items())[:MOST]
        if features:
            yield "Listens to: " + ", ".join(f"{name} {share:.0%}" for name, share in features)
    for one in report.missing(metrics):
        yield f"Would unlock more: {one.text}"
