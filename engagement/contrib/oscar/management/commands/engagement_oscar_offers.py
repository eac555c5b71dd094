"""``manage.py engagement_oscar_offers``: what our offers have left in Oscar's own tables."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from engagement.contrib.oscar import vouchers


class Command(BaseCommand):
    help = (
        "Say how many offers and vouchers of Oscar's stand for offers of ours; with --expired, "
        "delete vouchers that have ended unused; with --clear, delete all of them: codes that were "
        "given count no more then. Orders stay as they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--expired", action="store_true", help="delete what ended unused")
        parser.add_argument("--clear", action="store_true", help="delete all of them")

    def handle(self, **options: Any) -> None:
        if options["expired"]:
            n = vouchers.drop_expired(at=timezone.now())
            self.stdout.write(f"{n:,} vouchers deleted that had ended unused")
            return
        n_offers, n_vouchers = vouchers.counted()
        if options["clear"]:
            vouchers.clear()
        done = "deleted" if options["clear"] else "there"
        self.stdout.write(f"{n_offers:,} offers and {n_vouchers:,} vouchers {done}")
