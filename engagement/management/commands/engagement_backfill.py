"""``manage.py engagement_backfill``: the shop's catalogue and past orders, on the first day."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from tqdm import tqdm

from engagement.adapters import get_adapter
from engagement.flows.importing.backfill import BackfillReport, backfill


class Command(BaseCommand):
    help = (
        "Mirror the shop's catalogue and take over its past orders and what it has noted down of "
        "views and searches, as the adapter tells them. Running it again adds only what is new."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--since", type=moment, help="only what happened from this day or moment on"
        )
        parser.add_argument("--progress", action="store_true", help="show progress in any case")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        started = time.monotonic()
        hidden = not (options["progress"] or sys.stderr.isatty())
        bars = {
            what: tqdm(desc=what, unit="", unit_scale=True, disable=hidden)
            for what in ("items", "orders", "activity")
        }
        try:
            report = backfill(
                channel=get_adapter().get_channel() if channel is None else channel,
                at=timezone.now(),
                since=options["since"],
                progress=lambda what, n: bars[what].update(n),
            )
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. What was taken over stays; the same command adds the rest.",
                returncode=130,
            ) from None
        finally:
            for bar in bars.values():
                bar.close()
        self._tell(report, time.monotonic() - started)
        if not (report.items.read or report.orders or report.activity.read):
            raise CommandError(
                "The adapter told of no item and no order: see ENGAGEMENT['CATALOGUE'] and "
                "ENGAGEMENT['ORDERS'], or iter_items and iter_orders of your own adapter."
            )

    def _tell(self, report: BackfillReport, seconds: float) -> None:
        items, activity, write = report.items, report.activity, self.stdout.write
        write(
            f"{items.read:>12,} items: {items.created:,} new, {items.updated:,} known, "
            f"{items.skipped:,} unfit, {items.deactivated:,} no longer sold"
        )
        write(
            f"{report.orders:>12,} orders: {report.test_orders:,} tests left out, "
            f"{report.cancelled_orders:,} cancelled"
        )
        write(f"{report.lines:>12,} lines in {seconds:.1f} s")
        write(f"{report.accepted:>12,} stored")
        write(f"{report.duplicates:>12,} were there already")
        write(f"{sum(report.reasons.values()):>12,} refused")
        for reason, n in report.reasons.most_common():
            write(f"{n:>16,} {reason}")
        if activity.read:
            write(
                f"{activity.read:>12,} views, searches and the like: {activity.accepted:,} stored, "
                f"{activity.duplicates:,} were there already, {activity.later:,} recorded as they "
                f"happened, {sum(activity.reasons.values()):,} refused"
            )
            for reason, n in activity.reasons.most_common():
                write(f"{n:>16,} {reason}")


def moment(text: str) -> datetime:
    """Return the moment that was typed; a day begins at midnight of the site's time zone."""
    found = parse_datetime(text)
    if found is None:
        day = parse_date(text)
        if day is None:
            raise ValueError(f"{text} is neither a day nor a moment")
        found = datetime(day.year, day.month, day.day)
    return timezone.make_aware(found) if timezone.is_naive(found) else found
