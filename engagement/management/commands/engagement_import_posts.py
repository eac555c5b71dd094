"""``manage.py engagement_import_posts FILE``: what people write about the shop elsewhere."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.adapters import get_adapter
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.importing.tables import CannotRead
from engagement.flows.reviews.posts import FIELDS, PostPlan, PostReport, import_posts, plan_posts
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
  manage.py engagement_import_posts mentions.csv --source reddit
  manage.py engagement_import_posts weibo.jsonl --source weibo --map text=content at=created_at
  manage.py engagement_import_posts ratings.csv --map source=site rating=score --scale 10
"""


class Command(BaseCommand):
    help = (
        "Import posts about the shop from a CSV, JSON lines or Parquet file (.gz too). They are "
        "analysed like reviews and never shown as such. Running it again adds nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="where this was written: a site, an app")
        add_columns(parser, FIELDS)
        parser.add_argument("--scale", type=int, default=5, help="the best rating there is")
        add_import(parser)
        add_reading(parser)

    def handle(self, *, file: Path, **options: Any) -> None:
        channel = options["channel"]
        try:
            table = opened(file, options)
            plan = self._plan(table.columns, table.sample().columns, options)
            columns = " ".join(f"{what}={column}" for what, column in plan.columns.items())
            self.stdout.write(f"Reading: --map {columns}")
            bar = tqdm(
                total=table.total,
                unit=table.unit,
                unit_scale=True,
                disable=not (options["progress"] or sys.stderr.isatty()),
            )

            def move(position: int, report: PostReport) -> None:
                bar.update(position - bar.n)

            with bar:
                report = import_posts(
                    table,
                    plan,
                    channel=get_adapter().get_channel() if channel is None else channel,
                    at=timezone.now(),
                    rejected_path=options["rejected"],
                    dry_run=options["dry_run"],
                    progress=move,
                )
        except BadPlan as problem:
            raise CommandError(str(problem)) from None
        except (CannotRead, OSError, EOFError) as problem:
            raise CommandError(f"{file.name}: {problem}") from None
        self._tell(report, dry_run=options["dry_run"])

    def _plan(self, columns: Sequence[str], sample: Any, options: dict[str, Any]) -> PostPlan:
        return plan_posts(
            columns,
            timezone=zone_of(options),
            told=pairs(options["map"], "--map"),
            source=options["source"],
            sample=sample,
            date_format=options["date_format"],
            scale_to=options["scale"],
        )

    def _tell(self, report: PostReport, *, dry_run: bool) -> None:
        write = self.stdout.write
        write(f"{report.read:>12,} rows read")
        write(f"{report.new:>12,} {'would be stored' if dry_run else 'stored'}")
        write(f"{report.changed:>12,} brought up to date")
        write(f"{report.known:>12,} were there already")
        write(f"{report.rejected:>12,} refused")
        for reason, n in report.reasons.items():
            write(f"{n:>16,} {reason}")
        if report.rejected_path:
            write(f"Refused rows, each with its reason: {report.rejected_path}")
        if not report.new + report.changed + report.known:
            raise CommandError("Nothing could be imported.")
