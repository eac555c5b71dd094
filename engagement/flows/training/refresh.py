"""
Newer counts for a live model, between trainings.

What held-out answers decided (which model, its options, a blend's ranker) stays as it is; what is
counted (popularity, what was bought together, when things are bought again, neighbours) is counted
anew, and items that came to the shop since get a place. Nothing is compared: this is light work.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _
from threadpoolctl import threadpool_limits

from engagement.conf import app_settings
from engagement.flows.locks import lock
from engagement.flows.training import artifacts
from engagement.flows.training.candidates import spec_of, weights_of
from engagement.flows.training.train import LOCK_SECONDS
from engagement.flows.training.training_data import load_data
from engagement.models import Activation, Event, EventName, Item, ModelArtifact

logger = logging.getLogger("engagement")

REFRESH_OF = "refresh_of"


class NothingLive(Exception):
    """There is no model to refresh: a training has to come first."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """``artifact`` is None where nothing has happened that the live model does not know."""

    channel: str
    alias: str
    artifact: ModelArtifact | None
    seconds: float


def refresh(
    *, channel: str, alias: str, at: datetime, rng: np.random.Generator | None = None
) -> RefreshReport:
    """
    Refit the live model of ``alias`` on everything up to ``at`` and make it live.

    Raises UnknownAlias, NothingLive, NothingToLearnFrom, CorruptArtifact, or AlreadyRunning where
    another process trains or refreshes the same recommender; then nothing has changed.
    """
    spec_of(alias)
    started = time.perf_counter()
    with (
        lock(f"train:{channel}:{alias}", seconds=LOCK_SECONDS),
        threadpool_limits(app_settings.TRAINING_THREADS, user_api="blas"),
    ):
        live = artifacts.live(alias, channel=channel)
        if live is None:
            raise NothingLive(f"No model of {alias!r} is live: train one first.")
        if not _has_news(live, at):
            return RefreshReport(channel, alias, None, time.perf_counter() - started)
        for folder in artifacts.sweep(channel, alias):
            logger.info("Removed %s, which an interrupted training had left", folder)
        data = load_data(channel=channel, alias=alias, at=at)
        recommender = artifacts.load(live).recommender
        recommender.refit(
            data.interactions, rng=rng or np.random.default_rng(0), catalogue=data.catalogue
        )
        artifact = artifacts.store(
            recommender,
            channel=channel,
            alias=alias,
            dataset=data.dataset,
            metrics={
                **live.metrics,
                "cleaning": data.dataset.cleaning,
                REFRESH_OF: _training_of(live),
                "refreshed_at": at.isoformat(),
            },
            verdict=live.verdict,
            at=at,
            trained_at=live.trained_at,
            seconds=time.perf_counter() - started,
        )
        artifacts.load(artifact)
        artifacts.activate(artifact, at=at, reason=_("refreshed with newer events"))
        _forget_earlier(artifact, live)
    return RefreshReport(channel, alias, artifact, time.perf_counter() - started)


def _has_news(live: ModelArtifact, at: datetime) -> bool:
    """Return whether events or items have come that the live model has not learnt."""
    since = live.data_until
    if since is None:
        return True
    learnt_at = datetime.fromisoformat(
        live.metrics.get("refreshed_at", live.trained_at.isoformat())
    )
    events = [EventName.from_code(code) for code in weights_of(spec_of(live.alias))]
    newer = Event.objects.filter(
        channel=live.channel,
        event__in=events,
        # Moments are learnt to the second. What cleaning left out was there already.
        event_time__gte=since + timedelta(seconds=1),
        event_time__lte=at,
        recorded_at__gt=learnt_at,
    )
    items = Item.objects.of_channel(live.channel).filter(created_at__gt=learnt_at)
    return newer.exists() or items.exists()


def _training_of(artifact: ModelArtifact) -> int:
    """Return the number of the training that ``artifact`` is, or is a refresh of."""
    return int(artifact.metrics.get(REFRESH_OF, artifact.pk))


def _forget_earlier(artifact: ModelArtifact, replaced: ModelArtifact) -> None:
    """
    Delete refreshes of the same training before the one just replaced, which processes may still
    be serving: going back leads to it, then to the training, not through every hour.
    """
    same: dict[str, Any] = {f"metrics__{REFRESH_OF}": _training_of(artifact)}
    rows = ModelArtifact.objects.filter(channel=artifact.channel, alias=artifact.alias, **same)
    for earlier in rows.exclude(pk__in=[artifact.pk, replaced.pk]):
        with suppress(ProtectedError, IntegrityError):
            with transaction.atomic():
                Activation.objects.filter(artifact=earlier).delete()
                earlier.delete()
            artifacts.forget_files(earlier)


def live_aliases(channel: str) -> list[str]:
    """Return the aliases of the settings that have a live model, in their order."""
    live = set(
        Activation.objects.filter(channel=channel).values_list("alias", flat=True).distinct()
    )
    return [alias for alias in app_settings.RECOMMENDERS if alias in live]
