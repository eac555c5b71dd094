"""``manage.py engagement_sweep``: learn, and train what is overdue. One line for cron."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.flows.deciding import learning
from engagement.flows.locks import AlreadyRunning
from engagement.flows.reviews.upkeep import keep_up
from engagement.flows.training import sweep
from engagement.flows.training.train import NothingToLearnFrom, train
from engagement.flows.understanding import alerts, aspect_finding, aspects, summary
from engagement.flows.understanding import sweep as understanding
from engagement.flows.understanding.analyse import LONGEST, analyse
from engagement.flows.understanding.train import train as train_sentiment

logger = logging.getLogger("engagement")


class Command(BaseCommand):
    help = (
        "Let policies learn, train every model that is missing or overdue, read the reviews that "
        "wait, and count what customers say. Made for cron, where a site has no Celery worker; may "
        "be run as often as you like."
    )

    def handle(self, **options: Any) -> None:
        failed = []
        # First: what visitors are offered need not wait for a training.
        learnt = learning.learn_all(at=timezone.now())
        if learnt.n_settled:
            self.stdout.write(f"{learnt.n_settled:,} decisions settled and learnt from")
        for due in sweep.due(at=timezone.now()):
            self.stdout.write(f"{due} … ", ending="")
            self.stdout.flush()
            try:
                report = train(
                    channel=due.channel,
                    alias=due.alias,
                    at=timezone.now(),
                    rng=np.random.default_rng(),
                )
            except AlreadyRunning:
                self.stdout.write("is being trained by someone else")
            except NothingToLearnFrom as nothing:
                self.stdout.write(str(nothing))
            except Exception as problem:
                # The others are trained all the same.
                logger.exception("The training of %s failed", due.alias)
                self.stdout.write(f"failed: {problem}")
                failed.append(due.alias)
            else:
                outcome = "live" if report.activated else "kept, not live"
                self.stdout.write(f"{outcome}: {report.reason} ({report.seconds:.1f} s)")
        failed += self._understand()
        if failed:
            raise CommandError(f"Not trained: {', '.join(failed)}.")

    def _understand(self) -> list[str]:
        """Train overdue classifiers, read what waits, count what customers say once a day."""
        failed = []
        for overdue in understanding.due(at=timezone.now()):
            try:
                report = train_sentiment(channel=overdue.channel, at=timezone.now())
                self.stdout.write(f"{overdue} … {report.reason} ({report.seconds:.1f} s)")
            except AlreadyRunning:
                self.stdout.write(f"{overdue} … is being trained by someone else")
            except Exception as problem:
                logger.exception("The training of %s failed", overdue)
                self.stdout.write(f"{overdue} … failed: {problem}")
                failed.append(str(overdue))
        for channel in understanding.waiting():
            with suppress(AlreadyRunning):
                read = analyse(channel=channel, at=timezone.now(), longest=LONGEST)
                self.stdout.write(f"{read.total:,} reviews and posts read")
        for channel in understanding.uncounted(at=timezone.now()):
            with suppress(AlreadyRunning):
                aspects.count(channel=channel, at=timezone.now())
                summary.make_all(channel=channel, at=timezone.now())
                aspect_finding.propose(channel=channel)
                alerts.watch(channel=channel, at=timezone.now())
                alerts.mail_digest(channel=channel, at=timezone.now())
                keep_up(channel=channel, at=timezone.now())
                self.stdout.write("what customers say was counted")
        return failed
