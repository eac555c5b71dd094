"""``manage.py engagement_check``: whether shelves, events, worker, cache and models are there."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.management.check_pages import pages
from engagement.management.check_services import services
from engagement.management.check_state import state


class Command(BaseCommand):
    help = (
        "Fetch pages as a visitor would and say which shelves are on them; say whether events "
        "arrive, whether worker, cache and storage answer, whether models are fresh, and what to "
        "do about what is not. Nothing is recorded or kept. Ends with 1 where something wants a "
        "look."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--page",
            action="append",
            help="the path of a page to fetch, as often as you like (default: those that the "
            "adapter knows, else / and a product)",
        )
        parser.add_argument("--host", default="localhost", help="one of ALLOWED_HOSTS")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        findings = [
            *pages(options["page"] or [], channel=channel, host=options["host"]),
            *state(channel=channel, at=timezone.now()),
            *services(),
        ]
        for finding in findings:
            mark = "!!" if finding.advice else "ok"
            self.stdout.write(f"{mark} {finding.about}: {finding.text}")
            if finding.advice:
                self.stdout.write(f"   {finding.advice}")
        n = sum(bool(finding.advice) for finding in findings)
        if n:
            raise CommandError(f"{n} of {len(findings)} want a look.")
