"""The experiments that run, detached from the database: what a process keeps between polls."""

from __future__ import annotations

from dataclasses import dataclass

from engagement.models import Experiment


@dataclass(frozen=True, slots=True)
class RunningVariant:
    id: int
    name: str
    weight: float
    strategies: tuple[str, ...]
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class RunningExperiment:
    id: int
    channel: str
    name: str
    placement: str
    share: float
    salt: str
    layer: str
    layer_start: float
    variants: tuple[RunningVariant, ...]


def read_all() -> dict[tuple[str, str], RunningExperiment]:
    """Return every running experiment by channel and name, in two queries."""
    rows = Experiment.objects.filter(status=Experiment.Status.RUNNING)
    return {
        (row.channel, row.name): _detached(row)
        for row in rows.order_by("started_at", "pk").prefetch_related("variants")
    }


def _detached(row: Experiment) -> RunningExperiment:
    return RunningExperiment(
        id=row.pk,
        channel=row.channel,
        name=row.name,
        placement=row.placement,
        share=row.share,
        salt=row.salt,
        layer=row.layer,
        layer_start=row.layer_start,
        variants=tuple(
            RunningVariant(
                one.pk, one.name, one.weight, tuple(one.strategies), one.stopped_at is not None
            )
            for one in row.variants.all()
        ),
    )
