"""``manage.py engagement_import FILE``: past events from CSV, JSON lines or Parquet."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.adapters import get_adapter
from engagement.flows.importing.import_events import ImportReport, import_events
from engagement.flows.importing.import_files import Checkpoint
from engagement.flows.importing.json_table import JsonTable
from engagement.flows.importing.mapping import FIELDS, BadPlan, Plan, make_plan
from engagement.flows.importing.tables import CannotRead, Table
from engagement.management.file_arguments import (
    add_columns,
    add_import,
    add_reading,
    opened,
    pairs,
    zone_of,
)

EXAMPLES = """
examples:
  manage.py engagement_import orders.csv
  manage.py engagement_import clicks.jsonl --event view_item --map visitor=uid item=sku at=ts
  manage.py engagement_import sales.parquet --map visitor=CustomerID item=StockCode \\
      at=InvoiceDate quantity=Quantity price=UnitPrice order=InvoiceNo title=Description \\
      --timezone Europe/London --item-pattern '^\\d{5}'
"""


class Command(BaseCommand):
    help = (
        "Import past events from a CSV, JSON lines or Parquet file (.gz too). Running it again "
        "adds nothing; an interrupted import goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("file", type=Path)
        add_columns(parser, FIELDS)
        parser.add_argument("--event", default="", help="what every row is, such as purchase")
        parser.add_argument(
            "--event-name",
            nargs="+",
            action="extend",
            default=[],
            metavar="THEIRS=OURS",
            help="what the names in the event column mean, such as buy=purchase",
        )
        add_import(parser)
        add_reading(parser)
        parser.add_argument("--decimal", default=".", choices=[".", ","], help="decimal mark")
        parser.add_argument("--currency", default="", help="of money whose row names none")
        parser.add_argument(
            "--item-pattern", default="", help="regular expression that item keys must match"
        )
        parser.add_argument(
            "--refund-pattern", default="", help="regular expression of refunds' order numbers"
        )
        parser.add_argument(
            "--keep-free", action="store_true", help="take purchases that cost nothing"
        )
        parser.add_argument(
            "--no-resume",
            action="store_false",
            dest="resume",
            help="start at the beginning even where an import was interrupted",
        )

    def handle(self, *, file: Path, **options: Any) -> None:
        started = time.monotonic()
        try:
            table = opened(file, options)
            plan = self._plan(table, options)
        except (CannotRead, BadPlan) as problem:
            raise CommandError(str(problem)) from None
        self._tell_plan(plan)
        channel = options["channel"]
        bar = tqdm(
            total=table.total,
            unit=table.unit,
            unit_scale=True,
            disable=not (options["progress"] or sys.stderr.isatty()),
        )
        try:
            with bar:
                report = import_events(
                    table,
                    plan,
                    channel=get_adapter().get_channel() if channel is None else channel,
                    at=timezone.now(),
                    rejected_path=options["rejected"],
                    dry_run=options["dry_run"],
                    resume=options["resume"],
                    progress=_mover(bar),
                )
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. What was imported stays; the same command goes on from here.",
                returncode=130,
            ) from None
        except (CannotRead, OSError, EOFError) as problem:
            raise CommandError(f"{file.name}: {problem}") from None
        self._tell_report(report, time.monotonic() - started, dry_run=options["dry_run"])
        if not report.accepted + report.duplicates:
            raise CommandError("Nothing could be imported.")

    def _plan(self, table: Table, options: dict[str, Any]) -> Plan | None:
        told = pairs(options["map"], "--map")
        sample = table.sample()
        has_items = any(isinstance(record.get("items"), list) for record in sample.records)
        if isinstance(table, JsonTable) and has_items and not told and not options["event"]:
            # Events as the API takes them, with their items within.
            return None
        return make_plan(
            table.columns,
            told=told,
            event=options["event"],
            event_names=pairs(options["event_name"], "--event-name", "THEIRS=OURS"),
            sample=sample.columns,
            timezone=zone_of(options),
            date_format=options["date_format"],
            decimal=options["decimal"],
            currency=options["currency"].upper()[:3],
            item_pattern=options["item_pattern"],
            refund_pattern=options["refund_pattern"],
            keep_free=options["keep_free"],
        )

    def _tell_plan(self, plan: Plan | None) -> None:
        if plan is None:
            self.stdout.write("Every line is an event with its items, as the API takes them.")
            return
        columns = " ".join(f"{what}={column}" for what, column in plan.columns.items())
        event = "" if plan.event is None else f" --event {plan.event.code}"
        how = "Guessed" if plan.guessed else "Reading"
        self.stdout.write(f"{how}: --map {columns}{event}")
        if plan.refund_pattern is not None:
            self.stdout.write(f"Orders like {plan.refund_pattern.pattern} are refunds.")

    def _tell_report(self, report: ImportReport, seconds: float, *, dry_run: bool) -> None:
        write = self.stdout.write
        if report.passed:
            write(f"Went on after row {report.passed:,} of an interrupted import.")
        speed = (report.read - report.passed) / max(seconds, 0.001)
        write(f"{report.read:>12,} rows read in {seconds:.1f} s ({speed:,.0f} a second)")
        write(f"{report.accepted:>12,} {'would be stored' if dry_run else 'stored'}")
        write(f"{report.duplicates:>12,} were there already")
        write(f"{report.rejected:>12,} refused")
        for reason, n in report.reasons.items():
            write(f"{n:>16,} {reason}")
        if report.rejected_path:
            write(f"Refused rows, each with its reason: {report.rejected_path}")


def _mover(bar: tqdm) -> Callable[[int, Checkpoint], None]:
    def move(position: int, state: Checkpoint) -> None:
        bar.update(position - bar.n)
        bar.set_postfix(stored=state.accepted, refused=sum(state.reasons.values()), refresh=False)

    return move
