"""``manage.py engagement_sweep``: train what is missing or overdue. One line for cron."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.flows import sweep
from engagement.flows.locks import AlreadyRunning
from engagement.flows.train import NothingToLearnFrom, train

logger = logging.getLogger("engagement")


class Command(BaseCommand):
    help = (
        "Train every recommender whose model is missing or overdue. Made for cron, where a site "
        "has no Celery worker; may be run as often as you like."
    )

    def handle(self, **options: Any) -> None:
        failed = []
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
        if failed:
            raise CommandError(f"Not trained: {', '.join(failed)}.")
