"""``manage.py engagement_classify``: read the reviews and posts that nobody has read yet."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.adapters import get_adapter
from engagement.flows.locks import AlreadyRunning
from engagement.flows.understanding import alerts, aspects, summary
from engagement.flows.understanding.analyse import analyse, n_pending


class Command(BaseCommand):
    help = (
        "Read the reviews and posts that the live model has not read: sentiment, aspects, flags. "
        "Interrupted, the same command goes on where it was; run again, it reads nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument("--most", type=int, help="stop after so many texts")
        parser.add_argument(
            "--count",
            action="store_true",
            help="then count aspects, make summaries and look for items that got worse",
        )
        parser.add_argument("--progress", action="store_true", help="show progress in any case")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        started = time.monotonic()
        bar = tqdm(
            total=n_pending(channel),
            unit=" texts",
            disable=not (options["progress"] or sys.stderr.isatty()),
        )
        try:
            with bar:
                report = analyse(
                    channel=channel, at=timezone.now(), most=options["most"], progress=bar.update
                )
        except AlreadyRunning:
            raise CommandError("Another process is reading; left to that one.") from None
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. What was read stays; the same command goes on from here.",
                returncode=130,
            ) from None
        seconds = time.monotonic() - started
        kinds = ", ".join(f"{n:,} of kind {kind}" for kind, n in sorted(report.n.items()))
        speed = report.total / max(seconds, 0.001)
        self.stdout.write(
            f"{report.total:,} texts read in {seconds:.1f} s ({speed:,.0f} a second)"
            + (f": {kinds}" if kinds else "")
        )
        if not report.is_complete:
            self.stdout.write(f"{n_pending(channel):,} texts still wait.")
        if options["count"]:
            self._count(channel)

    def _count(self, channel: str) -> None:
        at = timezone.now()
        self.stdout.write(f"{aspects.count(channel=channel, at=at):,} aspects counted")
        self.stdout.write(f"summaries of {summary.make_all(channel=channel, at=at):,} items made")
        self.stdout.write(f"{len(alerts.watch(channel=channel, at=at)):,} new alerts")
