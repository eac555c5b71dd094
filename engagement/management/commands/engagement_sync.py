"""``manage.py engagement_sync``: bring the mirror of the catalogue up to date."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.adapters import get_adapter
from engagement.flows.importing.catalogue import sync_items
from engagement.management.commands.engagement_backfill import moment


class Command(BaseCommand):
    help = "Mirror the shop's catalogue; what the shop no longer has becomes inactive."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--since", type=moment, help="only what changed since then; nothing becomes inactive"
        )
        parser.add_argument("--progress", action="store_true", help="show progress in any case")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        hidden = not (options["progress"] or sys.stderr.isatty())
        with tqdm(unit=" items", unit_scale=True, disable=hidden) as bar:
            report = sync_items(
                channel=get_adapter().get_channel() if channel is None else channel,
                at=timezone.now(),
                since=options["since"],
                progress=bar.update,
            )
        self.stdout.write(
            f"{report.read:,} items: {report.created:,} new, {report.updated:,} known, "
            f"{report.skipped:,} unfit, {report.deactivated:,} no longer sold"
        )
        if not report.read and options["since"] is None:
            raise CommandError(
                "The adapter told of no item, so nothing was changed: see "
                "ENGAGEMENT['CATALOGUE'], or iter_items of your own adapter."
            )
