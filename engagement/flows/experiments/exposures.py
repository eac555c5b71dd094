"""That somebody met an experiment: one row a visitor, and one look at the cache after it."""

from __future__ import annotations

import hashlib
from datetime import datetime

from engagement.flows import faults
from engagement.flows.collecting import ids, visitors
from engagement.flows.collecting.identity import Person
from engagement.flows.experiments.running import RunningExperiment, RunningVariant
from engagement.flows.experiments.units import Someone, unit
from engagement.flows.serving import caching
from engagement.models import Exposure, Visitor

KEEP_SECONDS = 86_400


def note(
    experiment: RunningExperiment,
    variant: RunningVariant,
    visitor: Someone | None,
    *,
    at: datetime,
) -> None:
    """
    Write down that a visitor met a variant, the first time. Never raises.

    A stranger whose key no browser holds yet is not written down: who never comes back would
    be somebody new with each page.
    """
    try:
        key = _place(experiment, variant, visitor)
        if caching.get(key) is not None:
            return
        with faults.contained():
            pk = _visitor_id(visitor)
            if pk is None:
                return
            Exposure.objects.bulk_create(
                [
                    Exposure(
                        experiment_id=experiment.id,
                        variant_id=variant.id,
                        visitor_id=pk,
                        first_at=at,
                    )
                ],
                ignore_conflicts=True,
            )
        caching.put(key, 1, seconds=KEEP_SECONDS)
    except Exception:
        faults.report("exposure", "That somebody met an experiment cannot be written down")


def _place(experiment: RunningExperiment, variant: RunningVariant, visitor: Someone | None) -> str:
    parts = (experiment.id, variant.id, *unit(visitor))
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
    return f"engagement:exposed:{digest}"


def _visitor_id(visitor: Someone | None) -> int | None:
    if isinstance(visitor, Visitor):
        return visitor.merged_into_id or visitor.pk
    if not isinstance(visitor, Person) or not visitor.known_keys or not visitor.may_store:
        return None
    if visitor.keys[0] not in visitor.known_keys:
        return None
    wanted = visitors.wanted(visitor)
    if wanted is None:
        return None
    known = ids.visitors(visitor.channel, [wanted]).get(wanted.key)
    return None if known is None else known.id
