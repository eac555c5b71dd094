"""``manage.py engagement_profiles``: make what visitors' pasts come to, for rules and policies."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.locks import AlreadyRunning
from engagement.flows.profiles import making


class Command(BaseCommand):
    help = (
        "Make the profiles of visitors who came since the last time, from the figures of their "
        "days (engagement_metrics). With --all those of everybody, as after an import."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="everybody's, not only the latest")
        parser.add_argument("--channel", default=None)

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = str(app_settings.CHANNEL) if channel is None else channel
        started = perf_counter()
        try:
            made = making.make(channel=channel, at=timezone.now(), everybody=options["all"])
        except AlreadyRunning as running:
            raise CommandError(f"Another process is making them: {running}") from running
        seconds = perf_counter() - started
        self.stdout.write(f"{made.n:,} made of {made.n_total:,} profiles in {seconds:.1f} s")
