"""``manage.py engagement_clean``: what the rules of cleaning leave out, and who is a machine."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.flows.training import bots, dataset


class Command(BaseCommand):
    help = (
        "Mark visitors that behave like machines, and report how many events each rule of "
        "cleaning leaves out of learning (docs/cleaning.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument("--days", type=int, help="look back this far (default: everything)")
        parser.add_argument("--report", action="store_true", help="mark nobody, only report")

    def handle(self, **options: Any) -> None:
        at = timezone.now()
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        days = options["days"]
        since = at - timedelta(days=days) if days else None
        found = bots.mark_bots(channel=channel, at=at, since=since, dry_run=options["report"])
        self.stdout.write(
            f"{found:,} more visitors behave like machines"
            + (" and would be marked." if options["report"] else " and are marked now.")
        )
        loaded = dataset.load(channel=channel, since=since, until=at)
        self.stdout.write(f"{loaded.n_events:>12,} events that say something about taste")
        for rule, n in loaded.cleaning.items():
            self.stdout.write(f"{n:>12,} left out: {rule}")
        data = loaded.interactions
        self.stdout.write(
            f"{len(data):>12,} interactions of {data.n_rows:,} visitors "
            f"with {data.n_columns:,} items"
        )
