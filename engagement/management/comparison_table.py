"""How a comparison of models looks in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from engagement.flows.training.evaluate import BASELINE, LENGTH, METRIC, Comparison
from engagement.learning.evaluation import Outcome
from engagement.management import pictures

COLUMNS = ("ndcg", "recall", "hit_rate", "mrr")
HEADS = ("nDCG", "recall", "hits", "MRR", "coverage", "novelty")


def lines(comparison: Comparison) -> Iterator[str]:
    """
    Yield the table, the deciding variant first; the interval is of nDCG, 95 %.

    The winner carries a star.
    """
    if not comparison.outcomes:
        yield "Too little data to hold any back: nothing was compared."
        yield from _failures(comparison)
        return
    width = max(len(name) for name in comparison.outcomes) + 2
    variants = sorted(comparison.questions, key=lambda name: name != comparison.variant)
    for variant in variants:
        yield (
            f"{_title(variant)}: {comparison.questions[variant]:,} questions of the last "
            f"{comparison.days:.3g} days, the {LENGTH} best of {_ranked(comparison)}"
        )
        yield f"{'':{width}}{'fit':>9}" + "".join(f"{head:>10}" for head in HEADS) + "  interval"
        names = sorted(
            comparison.outcomes,
            key=lambda name: -comparison.outcomes[name][variant].mean(METRIC),
        )
        for name in names:
            outcome = comparison.outcomes[name][variant]
            star = " *" if name == comparison.winner else ""
            low, high = comparison.intervals[name]
            interval = f"  {low:.4f}–{high:.4f}" if variant == comparison.variant else ""
            fitted = f"{comparison.seconds[name]:.2f} s"
            yield f"{name + star:{width}}{fitted:>9}{_values(outcome)}{interval}"
        yield ""
    mean, low, high = comparison.gain
    if comparison.winner:
        yield (
            f"{comparison.winner} against {BASELINE}: {mean:+.4f} "
            f"{name_of(comparison.metric)}@{LENGTH} ({low:+.4f} to {high:+.4f}): "
            f"{comparison.verdict.label}"
        )
        if comparison.gate_days < comparison.days:
            yield (
                f"Chosen on the first half of these days; decided by the later "
                f"{comparison.gate_days:.3g} days"
            )
    yield from _failures(comparison)


def _ranked(comparison: Comparison) -> str:
    return "the item's category" if comparison.within_category else "the whole catalogue"


def name_of(metric: str) -> str:
    return "nDCG" if metric == METRIC else metric


def _title(variant: str) -> str:
    return {"all": "All items", "new": "New items only"}.get(variant, variant)


def _values(outcome: Outcome) -> str:
    values = "".join(f"{value:>10.4f}" for value in map(outcome.mean, COLUMNS))
    return f"{values}{outcome.coverage:>10.3f}{outcome.novelty:>10.2f}"


def _failures(comparison: Comparison) -> Iterator[str]:
    for name, reason in comparison.failures.items():
        yield f"{name} failed and was left out: {reason}"


def picture(alias: str, comparison: Comparison) -> str:
    """Return the deciding metric of each model with its interval, as SVG."""
    marks = [
        pictures.Mark(
            name,
            found[comparison.variant].mean(METRIC),
            *comparison.intervals[name],
            is_baseline=name == BASELINE,
        )
        for name, found in comparison.outcomes.items()
    ]
    n = comparison.questions.get(comparison.variant, 0)
    heading = f"{_title(comparison.variant)}: nDCG@{LENGTH}, {n:,} questions"
    return pictures.intervals(f"{alias}, with 95 % intervals", {heading: marks} if marks else {})
