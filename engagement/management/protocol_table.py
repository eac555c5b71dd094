"""How a report of a protocol looks in a terminal, in Markdown and as a picture."""

from __future__ import annotations

from collections.abc import Iterator

from engagement.flows.training.evaluate_log import Evaluated
from engagement.flows.training.protocols import Report, Result
from engagement.learning.evaluation import Task
from engagement.management import pictures

HEADS = {"ndcg": "nDCG@{k}", "recall": "recall@{k}", "hit_rate": "HR@{k}", "mrr": "MRR@{k}"}
TITLES = {"all": "All items", "new": "New items only", "cold": "Cold items"}


def heads(task: Task) -> list[str]:
    return [HEADS[metric].format(k=task.k) for metric in task.metrics]


def ranking(report: Report, variant: str) -> list[tuple[str, Result]]:
    """Return those that answered under ``variant``, the best in the deciding metric first."""
    metric = report.task.metrics[0]
    found = [one for one in report.results.items() if variant in one[1].outcomes]
    return sorted(found, key=lambda one: -one[1].outcomes[variant].mean(metric))


def lines(evaluated: Evaluated) -> Iterator[str]:
    """Yield what was read and left out, and a table a variant with 95 % intervals."""
    yield from _read(evaluated)
    report, task = evaluated.report, evaluated.report.task
    yield (
        f"Protocol {report.protocol}: learnt from {len(task.train):,} interactions"
        + "".join(f"; {name}: {value:,g}" for name, value in task.notes.items() if value)
    )
    yield ""
    width = max(len(name) for name in report.results) + 2
    for variant, questions in task.questions.items():
        yield f"{TITLES.get(variant, variant)}: {len(questions):,} questions, lists of {task.k}"
        if not len(questions):
            yield ""
            continue
        columns = "".join(f"{head:>11}" for head in heads(task))
        yield f"{'':{width}}{'fit':>10}{'each':>10}{columns}  interval of {heads(task)[0]}"
        for name, result in ranking(report, variant):
            outcome = result.outcomes[variant]
            low, high = result.intervals[variant][task.metrics[0]]
            values = "".join(f"{outcome.mean(metric):>11.4f}" for metric in task.metrics)
            yield (
                f"{name:{width}}{result.fit_seconds:>8.2f} s{result.score_ms:>7.2f} ms{values}"
                f"  {low:.4f}–{high:.4f}{_gain(report, name, variant)}"
            )
        yield ""
    for name, reason in report.failures.items():
        yield f"{name} failed and was left out: {reason}"


def _read(evaluated: Evaluated) -> Iterator[str]:
    yield from evaluated.plans
    for name, n in evaluated.read.items():
        rejected = evaluated.rejected.get(name)
        left_out = sum(rejected.reasons.values()) if rejected else 0
        yield f"{name}: {n:,} rows read, {left_out:,} left out"
        if rejected is None:
            continue
        for reason, count in rejected.reasons.most_common():
            yield f"{count:>12,} {reason}"
        for example in rejected.examples:
            yield f"             {example}"
        if rejected.path:
            yield f"Rows that were left out, each with its reason: {rejected.path}"


def _gain(report: Report, name: str, variant: str) -> str:
    gain = report.results[name].gain
    if variant != report.task.variant:
        return ""
    if gain is None:
        return "  to beat"
    return f"  {gain[0]:+.4f} ({gain[1]:+.4f} to {gain[2]:+.4f})"


def markdown(report: Report, variant: str) -> Iterator[str]:
    """Yield a table of Markdown, the best model first, each with its interval."""
    task = report.task
    columns = heads(task)
    yield f"| model | {' | '.join(columns)} | interval | fit |"
    yield "|---" * (len(columns) + 3) + "|"
    for name, result in ranking(report, variant):
        outcome = result.outcomes[variant]
        low, high = result.intervals[variant][task.metrics[0]]
        values = " | ".join(f"{outcome.mean(metric):.4f}" for metric in task.metrics)
        yield f"| {name} | {values} | {low:.4f}–{high:.4f} | {result.fit_seconds:.1f} s |"


def picture(report: Report) -> str:
    """Return the deciding metric of all models with its intervals, a panel a variant, as SVG."""
    metric = report.task.metrics[0]
    panels = {}
    for variant, questions in report.task.questions.items():
        if not len(questions):
            continue
        heading = (
            f"{TITLES.get(variant, variant)}: {heads(report.task)[0]}, {len(questions):,} asked"
        )
        panels[heading] = [
            pictures.Mark(
                name,
                result.outcomes[variant].mean(metric),
                *result.intervals[variant][metric],
                is_baseline=name == report.baseline,
            )
            for name, result in ranking(report, variant)
        ]
    return pictures.intervals(f"Protocol {report.protocol}, with 95 % intervals", panels)
