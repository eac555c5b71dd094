"""``manage.py engagement_oscar_recommended``: fill Oscar's own "recommended products"."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.conf import app_settings
from engagement.contrib.oscar.recommended import fill
from engagement.flows.locks import AlreadyRunning


class Command(BaseCommand):
    help = (
        "Write as many of each product's own recommended products as "
        "OSCAR_RECOMMENDED_PRODUCTS says. Rows of other people are left alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clear", action="store_true", help="take all of our rows away")

    def handle(self, **options: Any) -> None:
        n = 0 if options["clear"] else int(app_settings.OSCAR_RECOMMENDED_PRODUCTS)
        if not n and not options["clear"]:
            raise CommandError(
                "ENGAGEMENT['OSCAR_RECOMMENDED_PRODUCTS'] is 0: set it to how many each product "
                "shall have, or take away with --clear what was written."
            )
        bar = tqdm(desc="products", unit="", disable=not sys.stderr.isatty())
        try:
            report = fill(n=n, at=timezone.now(), progress=bar.update)
        except AlreadyRunning:
            raise CommandError("Another process is at it.") from None
        finally:
            bar.close()
        self.stdout.write(
            f"{report.products:,} products: {report.written:,} rows written, {report.kept:,} kept, "
            f"{report.removed:,} removed, {report.left:,} of other people left alone"
        )
