"""
The app's Celery tasks: each reads the clock and calls one flow.

A task may be killed at any moment and may run twice; neither changes more than running once does.
Arguments are keywords, and unknown ones are ignored: an old worker survives a newer caller.
"""

from __future__ import annotations

import enum
import logging
import time
from typing import Any

import numpy as np
from celery import Celery, Task, current_app, shared_task
from celery.exceptions import MaxRetriesExceededError
from django.utils import timezone
from kombu.exceptions import OperationalError

from engagement.adapters import get_adapter
from engagement.flows.collecting import retention
from engagement.flows.collecting.guard import receiver_guard
from engagement.flows.deciding import following, learning
from engagement.flows.experiments import results
from engagement.flows.importing import backfill as backfilling
from engagement.flows.importing import catalogue
from engagement.flows.locks import AlreadyRunning
from engagement.flows.metrics import making
from engagement.flows.profiles import making as profiles
from engagement.flows.reviews import upkeep
from engagement.flows.training import refresh as refreshing
from engagement.flows.training import sweep as sweeping
from engagement.flows.training import train as training
from engagement.flows.understanding import (
    alerts,
    aspect_finding,
    aspect_training,
    aspects,
    kept,
    summary,
)
from engagement.flows.understanding import analyse as analysing
from engagement.flows.understanding import sweep as understanding
from engagement.flows.understanding import train as classifiers
from engagement.flows.understanding.flags import decisions
from engagement.schedules import BEAT_SCHEDULE, REFRESH_MINUTES, SWEEP_MINUTES

__all__ = ["BEAT_SCHEDULE", "Handed", "enqueue"]

logger = logging.getLogger(__name__)

MINUTE = 60
HOUR = 60 * MINUTE

# A task whose worker died comes back. The worker may have died of this very task, of its memory
# for one, so each return waits longer, and after the third the sweep decides.
RETURN_SECONDS = 60
MAX_RETURNS = 3

# How long a request may wait for a broker, and how long nobody asks again after that was in vain.
CONNECT_SECONDS = 1.0
REST_SECONDS = 15.0


class Work(Task):
    """A task that is done again when its worker dies, and gives way to one that is at it."""

    abstract = True
    acks_late = True
    reject_on_worker_lost = True
    ignore_result = True
    max_retries = MAX_RETURNS
    soft_time_limit = 10 * MINUTE
    time_limit = 11 * MINUTE

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (self.request.delivery_info or {}).get("redelivered"):
            self._come_back()
            return None
        try:
            return super().__call__(*args, **kwargs)
        except AlreadyRunning as running:
            logger.info("%s gives way: %s is running", self.name, running)
            return None

    def _come_back(self) -> None:
        wait = RETURN_SECONDS * 2**self.request.retries
        logger.warning("%s was interrupted; it starts again in %s s", self.name, wait)
        try:
            raise self.retry(countdown=wait)
        except MaxRetriesExceededError:
            logger.error("%s was interrupted too often; it is left to the next sweep", self.name)


@shared_task(base=Work, name="engagement.train", soft_time_limit=3 * HOUR, time_limit=3 * HOUR + 60)
def train(*, alias: str, channel: str = "", **kwargs: Any) -> None:
    try:
        training.train(channel=channel, alias=alias, at=timezone.now(), rng=np.random.default_rng())
    except training.NothingToLearnFrom as nothing:
        logger.info("%s", nothing)


@shared_task(base=Work, name="engagement.train_all")
def train_all(**kwargs: Any) -> None:
    for channel in sweeping.channels():
        for alias in sweeping.aliases(channel):
            enqueue(train, alias=alias, channel=channel)


@shared_task(base=Work, name="engagement.refresh", soft_time_limit=HOUR, time_limit=HOUR + 60)
def refresh(*, alias: str, channel: str = "", **kwargs: Any) -> None:
    try:
        refreshing.refresh(
            channel=channel, alias=alias, at=timezone.now(), rng=np.random.default_rng()
        )
    except (refreshing.NothingLive, training.NothingToLearnFrom) as nothing:
        logger.info("%s", nothing)


@shared_task(base=Work, name="engagement.refresh_all")
def refresh_all(*, channel: str | None = None, **kwargs: Any) -> None:
    for one in sweeping.channels() if channel is None else [channel]:
        for alias in refreshing.live_aliases(one):
            # What still waits at the next refresh would be done twice.
            enqueue(refresh, alias=alias, channel=one, expires=REFRESH_MINUTES * MINUTE)


@shared_task(
    base=Work, name="engagement.sync_catalogue", soft_time_limit=HOUR, time_limit=HOUR + 60
)
def sync_catalogue(*, channel: str | None = None, **kwargs: Any) -> None:
    channel = get_adapter().get_channel() if channel is None else channel
    report = catalogue.sync_items(channel=channel, at=timezone.now())
    if report.created:
        # New items have no place in the models yet.
        enqueue(refresh_all, channel=channel)


@shared_task(
    base=Work, name="engagement.backfill", soft_time_limit=3 * HOUR, time_limit=3 * HOUR + 60
)
def backfill(*, channel: str | None = None, **kwargs: Any) -> None:
    channel = get_adapter().get_channel() if channel is None else channel
    backfilling.backfill(channel=channel, at=timezone.now())


@shared_task(base=Work, name="engagement.sweep")
def sweep(**kwargs: Any) -> None:
    for due in sweeping.due(at=timezone.now()):
        logger.info("Taking up %s", due)
        # What still waits at the next sweep would be found again.
        enqueue(train, alias=due.alias, channel=due.channel, expires=SWEEP_MINUTES * MINUTE)
    for overdue in understanding.due(at=timezone.now()):
        logger.info("Taking up %s", overdue)
        enqueue(train_sentiment, channel=overdue.channel, expires=SWEEP_MINUTES * MINUTE)
    for channel in understanding.waiting():
        enqueue(analyse, channel=channel, expires=SWEEP_MINUTES * MINUTE)


@shared_task(base=Work, name="engagement.purge_events", soft_time_limit=HOUR, time_limit=HOUR + 60)
def purge_events(**kwargs: Any) -> None:
    for channel in sweeping.channels():
        retention.purge_events(channel=channel, at=timezone.now())


# -- understanding what customers write -------------------------------------------------------
@shared_task(base=Work, name="engagement.analyse")
def analyse(*, channel: str = "", **kwargs: Any) -> None:
    report = analysing.analyse(channel=channel, at=timezone.now(), longest=analysing.LONGEST)
    if not report.is_complete:
        enqueue(analyse, channel=channel, expires=SWEEP_MINUTES * MINUTE)


@shared_task(
    base=Work, name="engagement.train_sentiment", soft_time_limit=6 * HOUR, time_limit=6 * HOUR + 60
)
def train_sentiment(*, channel: str = "", **kwargs: Any) -> None:
    report = classifiers.train(channel=channel, at=timezone.now())
    if report.activated:
        enqueue(analyse, channel=channel)


@shared_task(
    base=Work, name="engagement.train_moderation", soft_time_limit=HOUR, time_limit=HOUR + 60
)
def train_moderation(*, channel: str = "", **kwargs: Any) -> None:
    try:
        decisions.train(channel=channel, at=timezone.now(), rng=np.random.default_rng())
    except decisions.TooFewDecisions as few:
        logger.info("%s", few)


@shared_task(
    base=Work, name="engagement.train_aspects", soft_time_limit=3 * HOUR, time_limit=3 * HOUR + 60
)
def train_aspects(*, channel: str = "", **kwargs: Any) -> None:
    try:
        aspect_training.train(channel=channel, at=timezone.now(), rng=np.random.default_rng())
    except aspect_training.TooFewCorrections as few:
        logger.info("%s", few)


@shared_task(base=Work, name="engagement.train_classifiers")
def train_classifiers(**kwargs: Any) -> None:
    for channel in understanding.channels():
        enqueue(train_sentiment, channel=channel)
        enqueue(train_moderation, channel=channel)
        enqueue(train_aspects, channel=channel)


@shared_task(
    base=Work, name="engagement.count_aspects", soft_time_limit=2 * HOUR, time_limit=2 * HOUR + 60
)
def count_aspects(*, channel: str = "", **kwargs: Any) -> None:
    aspects.count(channel=channel, at=timezone.now())
    summary.make_all(channel=channel, at=timezone.now())
    aspect_finding.propose(channel=channel)


@shared_task(base=Work, name="engagement.watch_sentiment")
def watch_sentiment(*, channel: str = "", **kwargs: Any) -> None:
    alerts.watch(channel=channel, at=timezone.now())
    alerts.mail_digest(channel=channel, at=timezone.now())


@shared_task(
    base=Work, name="engagement.keep_up_reviews", soft_time_limit=HOUR, time_limit=HOUR + 60
)
def keep_up_reviews(*, channel: str = "", **kwargs: Any) -> None:
    upkeep.keep_up(channel=channel, at=timezone.now())


@shared_task(base=Work, name="engagement.understand_all")
def understand_all(**kwargs: Any) -> None:
    for channel in understanding.channels():
        enqueue(keep_up_reviews, channel=channel)
        enqueue(count_aspects, channel=channel)
        enqueue(watch_sentiment, channel=channel)


# -- proving ----------------------------------------------------------------------------------
@shared_task(
    base=Work, name="engagement.make_metrics", soft_time_limit=6 * HOUR, time_limit=6 * HOUR + 60
)
def make_metrics(**kwargs: Any) -> None:
    for channel in sweeping.channels():
        making.make(channel=channel, at=timezone.now())
        for variant in results.guard(channel=channel, at=timezone.now()):
            logger.warning("Variant %s harmed %s and was stopped", variant, variant.experiment)


@shared_task(
    base=Work, name="engagement.make_profiles", soft_time_limit=3 * HOUR, time_limit=3 * HOUR + 60
)
def make_profiles(**kwargs: Any) -> None:
    for channel in sweeping.channels():
        profiles.make(channel=channel, at=timezone.now())


# -- deciding ---------------------------------------------------------------------------------
@shared_task(
    base=Work, name="engagement.learn_policies", soft_time_limit=HOUR, time_limit=HOUR + 60
)
def learn_policies(*, channel: str | None = None, **kwargs: Any) -> None:
    learning.learn_all(channel=channel, at=timezone.now())


@receiver_guard
def follow_events(*, channel: str, events: Any, **kwargs: Any) -> None:
    """Give shelves that a policy fills the credit for what was clicked on them."""
    following.follow(events, channel=channel, at=timezone.now())


def follow_review(*, review: Any, **kwargs: Any) -> None:
    """Hand a review to a worker where the process that took it does not read it itself."""
    if has_worker() and analysing.waits_for_worker(review.channel):
        enqueue(analyse, channel=review.channel, expires=SWEEP_MINUTES * MINUTE)


def follow_shop_review(*, ref: str, is_new_text: bool) -> None:
    """Read a review that the shop keeps, or hand it to a worker, when the shop tells of it."""
    if kept.follow(ref, at=timezone.now(), is_new_text=is_new_text) and has_worker():
        channel = get_adapter().get_channel()
        enqueue(analyse, channel=channel, expires=SWEEP_MINUTES * MINUTE)


# -- handing work over ------------------------------------------------------------------------
class Handed(enum.Enum):
    """What became of work that was handed over."""

    QUEUED = "queued"
    DONE = "done"
    LOST = "lost"


_resting_until = 0.0


def enqueue(task: Task, *, expires: float | None = None, **kwargs: Any) -> Handed:
    """
    Hand work to a worker; do it here and now where the site has no broker.

    Never raises for a broker that is down and waits for it hardly a second: the work is then lost,
    which is logged, and what matters is found by the next sweep.
    """
    global _resting_until
    if not has_worker():
        task.apply(kwargs=kwargs, throw=True)
        return Handed.DONE
    if time.monotonic() < _resting_until:
        return Handed.LOST
    options: dict[str, Any] = {"retry": False}
    if expires is not None:
        options["expires"] = expires
    try:
        with _connection(current_app) as options["connection"]:
            task.apply_async(kwargs=kwargs, **options)
    except (OperationalError, OSError) as problem:
        _resting_until = time.monotonic() + REST_SECONDS
        logger.warning(
            "The broker does not answer; %s is left to the sweep: %s", task.name, problem
        )
        return Handed.LOST
    return Handed.QUEUED


def has_worker() -> bool:
    """Return whether the site has a broker, and so, one hopes, somebody who listens to it."""
    return bool(current_app.conf.broker_url) and not current_app.conf.task_always_eager


def forget() -> None:
    """Ask the broker again at once."""
    global _resting_until
    _resting_until = 0.0


def _connection(app: Celery) -> Any:
    options = {}
    if str(app.conf.broker_url).startswith(("redis", "sentinel")):
        # Redis is asked without a limit otherwise; AMQP knows connect_timeout.
        options = {"socket_connect_timeout": CONNECT_SECONDS, "socket_timeout": CONNECT_SECONDS}
    return app.connection_for_write(connect_timeout=CONNECT_SECONDS, transport_options=options)
