"""``manage.py engagement_metrics``: make the figures of the dashboard, or make them anew."""

from __future__ import annotations

from datetime import date
from time import perf_counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.experiments import results
from engagement.flows.locks import AlreadyRunning
from engagement.flows.metrics import making


class Command(BaseCommand):
    help = (
        "Make the dashboard's figures of the days that are missing, and stop variants that harm a "
        "guard rail. With --since the days from there on are made anew."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=date.fromisoformat, help="first day, as 2026-03-01")
        parser.add_argument("--until", type=date.fromisoformat, help="last day (default: today)")
        parser.add_argument("--all", action="store_true", help="every day that has events")
        parser.add_argument("--channel", default=None)

    def handle(self, **options: Any) -> None:
        at = timezone.now()
        channel = options["channel"]
        channel = str(app_settings.CHANNEL) if channel is None else channel
        since = date.min if options["all"] else options["since"]
        started = perf_counter()
        try:
            made = making.make(channel=channel, at=at, since=since, until=options["until"])
        except AlreadyRunning as running:
            raise CommandError(f"Another process is making them: {running}") from running
        for variant in results.guard(channel=channel, at=at):
            self.stdout.write(f"{variant.experiment}: {variant} was stopped by a guard rail")
        seconds = perf_counter() - started
        self.stdout.write(f"{made.n_days:,} days ({made.first} to {made.last}) in {seconds:.1f} s")
