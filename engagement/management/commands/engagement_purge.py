"""``manage.py engagement_purge``: forget events that are older than the site wants to keep."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.collecting import retention
from engagement.flows.training import sweep


class Command(BaseCommand):
    help = "Delete events older than ENGAGEMENT['EVENT_RETENTION_DAYS'], piece by piece."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="only this shop; all of them unless given")

    def handle(self, **options: Any) -> None:
        days = app_settings.EVENT_RETENTION_DAYS
        if days is None:
            self.stdout.write("EVENT_RETENTION_DAYS is not set: events are kept for ever.")
            return
        chosen = options["channel"]
        for channel in sweep.channels() if chosen is None else [chosen]:
            n = retention.purge_events(channel=channel, at=timezone.now())
            where = f" of {channel}" if channel else ""
            self.stdout.write(f"{n:,} events{where} were older than {days} days.")
