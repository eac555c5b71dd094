"""How judged policies look in a terminal, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engagement.flows.deciding.evaluating import DECIDING, ESTIMATORS, Evaluation, Judged
from engagement.learning.evaluation.off_policy import Estimate
from engagement.management import pictures

NAMES = {"ips": "IPS", "snips": "SNIPS", "dm": "DM", "dr": "DR", "switch_dr": "switch-DR"}
SHOWN = "as it was shown"


def lines(found: Evaluation) -> Iterator[str]:
    """Yield the tables: values with intervals, then what sets each policy apart from the log."""
    yield (
        f"Each policy learns from the first {found.n_learnt:,} decisions and is judged on the "
        f"later {found.n_judged:,}, of which it learns part by part; mean reward a decision, 95 %"
    )
    width = max(len(name) for name in (SHOWN, *(one.candidate.name for one in found.judged))) + 2
    head = "".join(f"{NAMES[name]:>17}" for name in ESTIMATORS)
    yield f"{'':{width}}{head}{'effective':>11}"
    yield from _row(SHOWN, [found.today], width)
    for one in found.judged:
        if not one.failure:
            estimates = [one.estimates[name] for name in ESTIMATORS]
            yield from _row(one.candidate.name, estimates, width, one.estimates[DECIDING])
    yield ""
    for one in found.judged:
        yield f"{one.candidate.name}: {one.conclusion}"
        if not one.failure:
            yield f"  {_shares(one)}"


def _row(
    name: str, estimates: Sequence[Estimate], width: int, deciding: Estimate | None = None
) -> Iterator[str]:
    """Yield values, and below them their intervals."""
    values = "".join(f"{one.value:>17.4g}" for one in estimates)
    worth = f"{deciding.effective_n:>11,.0f}" if deciding else ""
    yield f"{name:{width}}{values}{worth}"
    intervals = (f"{one.low:.4g}–{one.high:.4g}" for one in estimates)
    yield f"{'':{width}}" + "".join(f"{interval:>17}" for interval in intervals)


def _shares(one: Judged) -> str:
    shown = sorted(one.shares.items(), key=lambda pair: -pair[1])
    parts = [f"{arm or 'no offer'} {share:.0%}" for arm, share in shown[:8]]
    more = f" and {len(shown) - 8} more" if len(shown) > 8 else ""
    return "shows " + ", ".join(parts) + more


def picture(title: str, found: Evaluation) -> str:
    """Return each estimator's values with intervals beside what was shown, as SVG."""
    today = pictures.Mark(
        SHOWN, found.today.value, found.today.low, found.today.high, is_baseline=True
    )
    panels = {
        NAMES[name]: [
            today,
            *(
                pictures.Mark(
                    one.candidate.name,
                    one.estimates[name].value,
                    one.estimates[name].low,
                    one.estimates[name].high,
                )
                for one in found.judged
                if not one.failure
            ),
        ]
        for name in (DECIDING, *(other for other in ESTIMATORS if other != DECIDING))
    }
    return pictures.intervals(f"{title}, with 95 % intervals", panels)
