"""``manage.py engagement_evaluate``: how good each candidate is, on days it has not seen."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.evaluate import NothingToLearnFrom, UnknownAlias, evaluate
from engagement.management import comparison_table


def days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 36_500.0:
        raise ArgumentTypeError(f"{text!r} is not a number of days above zero")
    return value


class Command(BaseCommand):
    help = (
        "Compare the candidates of each recommender with last week's best sellers on held-out "
        "days. Nothing is stored and nothing goes live."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--alias", action="append", help="only this recommender; may be given several times"
        )
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--holdout-days", type=days, help="the last days to test on (default: HOLDOUT_DAYS)"
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="of what is drawn by lot: questions and intervals"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        found: dict[str, Any] = {}
        failed = []
        for alias in options["alias"] or app_settings.RECOMMENDERS:
            try:
                comparison = evaluate(
                    channel=channel,
                    alias=alias,
                    at=timezone.now(),
                    days=options["holdout_days"],
                    rng=np.random.default_rng(options["seed"]),
                    progress=self._tell,
                )
            except UnknownAlias as error:
                raise CommandError(str(error)) from error
            except NothingToLearnFrom as error:
                self.stderr.write(self.style.ERROR(str(error)))
                failed.append(alias)
                continue
            found[alias] = comparison.metrics()
            if not options["json"]:
                self.stdout.write(self.style.MIGRATE_HEADING(alias))
                for line in comparison_table.lines(comparison):
                    self.stdout.write(line)
                self.stdout.write("")
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1))
        if failed:
            raise CommandError(f"Not evaluated: {', '.join(failed)}.")

    def _tell(self, message: str) -> None:
        # Progress is for whoever watches: never among the results.
        if sys.stderr.isatty():
            self.stderr.write(f"  … {message}")
