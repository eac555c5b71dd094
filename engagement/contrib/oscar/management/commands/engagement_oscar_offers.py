"""``manage.py engagement_oscar_offers``: what our offers have left in Oscar's own tables."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from engagement.contrib.oscar import vouchers


class Command(BaseCommand):
    help = (
        "Say how many offers and vouchers of Oscar's stand for offers of ours; with --clear, "
        "delete them. Codes that were given count no more then; orders stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clear", action="store_true", help="delete all of them")

    def handle(self, **options: Any) -> None:
        n_offers, n_vouchers = vouchers.counted()
        if options["clear"]:
            vouchers.clear()
        done = "deleted" if options["clear"] else "there"
        self.stdout.write(f"{n_offers:,} offers and {n_vouchers:,} vouchers {done}")
