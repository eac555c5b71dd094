"""``manage.py engagement_evaluate``: how good models are, on what they have not seen."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.importing.tables import CannotRead
from engagement.flows.training.evaluate import NothingToLearnFrom, UnknownAlias, evaluate
from engagement.flows.training.evaluate_log import (
    PROTOCOLS,
    BadPlan,
    Evaluated,
    NothingToAsk,
    Options,
    evaluate_files,
    evaluate_shop,
)
from engagement.flows.training.log_files import KNOWN
from engagement.management import comparison_table, protocol_table
from engagement.management.file_arguments import add_columns, add_reading, pairs, zone_of

EXAMPLES = """
examples:
  manage.py engagement_evaluate                                   the shop's recommenders
  manage.py engagement_evaluate --protocol sessions               the shop's visits
  manage.py engagement_evaluate events.csv                        time split of a file
  manage.py engagement_evaluate train.txt --test test.txt         fixed split, LightGCN's format
  manage.py engagement_evaluate train.parquet --test pairs.parquet --protocol sessions
  manage.py engagement_evaluate Beauty.txt.gz --protocol sequences --model rules --model blend
  manage.py engagement_evaluate sales.parquet --map visitor=CustomerID item=StockCode \\
      at=InvoiceDate title=Description --protocol cold --picture cold.svg --output cold.json
"""


def days(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 36_500.0:
        raise ArgumentTypeError(f"{text!r} is not a number of days above zero")
    return value


def positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise ArgumentTypeError(f"{text!r} is not a share between 0 and 1")
    return value


class Command(BaseCommand):
    help = (
        "Compare models on what they have not seen: the candidates of the shop's recommenders "
        "on the last days, or any model on any file by one of the field's protocols. Nothing is "
        "stored and nothing goes live."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("file", nargs="?", type=Path, help="a log (default: the shop's own)")
        parser.add_argument("--test", type=Path, help="what is asked: a second file")
        parser.add_argument(
            "--protocol",
            choices=PROTOCOLS,
            help="time: the last days of everybody; last: everybody's last event; sequences: the "
            "same, with the event before it withheld for validation (S3-Rec); files: FILE teaches "
            "and --test asks (LightGCN); sessions: what comes next in a visit; cold: items that "
            "nobody has touched. Default: files with --test, time with a file",
        )
        parser.add_argument(
            "--model",
            action="append",
            default=[],
            help="a model of the protocol, 'blend', a class, or a dotted path; with options: "
            "'EASE:{\"regularization\": 100}'; may be given several times",
        )
        parser.add_argument(
            "--alias", action="append", help="only this recommender; may be given several times"
        )
        parser.add_argument("--channel", help="the shop, where one database serves several")
        asking = parser.add_argument_group("what is asked")
        asking.add_argument(
            "--holdout-days", type=days, help="the last days to test on (default: HOLDOUT_DAYS)"
        )
        asking.add_argument(
            "--holdout-share",
            type=share,
            help="so large a share of it all instead: events, sessions, items",
        )
        asking.add_argument("--k", type=positive, help="the length of the lists")
        asking.add_argument("--sample", type=positive, help="ask only so many, drawn by lot")
        asking.add_argument(
            "--repeats", action="store_true", help="rank what the history holds as well"
        )
        asking.add_argument(
            "--validation",
            action="store_true",
            help="ask within the training data, for choosing settings",
        )
        asking.add_argument(
            "--session-minutes", type=days, help="a pause of so many minutes ends a visit"
        )
        asking.add_argument(
            "--seed", type=int, default=0, help="of what is drawn by lot: questions and models"
        )
        reading = parser.add_argument_group("how a file is read")
        add_columns(reading, KNOWN, "; columns without a header are called 1, 2, 3")
        add_reading(
            reading,
            formats=("csv", "jsonl", "parquet", "lists", "sessions"),
            more="lists: a line a user, «user item item»; sessions: a line of items",
        )
        reading.add_argument(
            "--header", choices=["yes", "no"], help="whether the first line names the columns"
        )
        reading.add_argument("--event", action="append", default=[], help="only rows of this event")
        reading.add_argument("--min-rating", type=float, help="only rows rated so well")
        reading.add_argument("--item-pattern", default="", help="what item keys must match")
        reading.add_argument("--refund-pattern", default="", help="order numbers of refunds")
        reading.add_argument("--keep-free", action="store_true", help="take what cost nothing")
        output = parser.add_argument_group("what comes out")
        output.add_argument("--json", action="store_true", help="print one JSON object")
        output.add_argument("--output", type=Path, help="write the JSON object into this file")
        output.add_argument("--picture", type=Path, help="write a picture: FILE.svg")

    def handle(self, **options: Any) -> None:
        if options["picture"] and options["picture"].suffix.lower() != ".svg":
            raise CommandError("--picture writes SVG: name a file that ends in .svg.")
        if options["file"] is None and options["protocol"] is None:
            for name in ("test", "map", "model"):
                if options[name]:
                    raise CommandError(f"--{name} needs a file or --protocol.")
            self._compare_candidates(options)
        else:
            if options["alias"]:
                raise CommandError("--alias names a recommender of the shop: leave out the file.")
            self._run_protocol(options)

    # -- the shop's recommenders ----------------------------------------------------------------
    def _compare_candidates(self, options: dict[str, Any]) -> None:
        channel = self._channel(options)
        found: dict[str, Any] = {}
        pictures: list[str] = []
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
            pictures.append(comparison_table.picture(alias, comparison))
            if not options["json"]:
                self._print(alias, comparison_table.lines(comparison))
        self._hand_out(options, found)
        if options["picture"] and pictures:
            names = [
                name for name in options["alias"] or app_settings.RECOMMENDERS if name in found
            ]
            self._draw(options["picture"], dict(zip(names, pictures, strict=True)))
        if failed:
            raise CommandError(f"Not evaluated: {', '.join(failed)}.")

    # -- protocols ------------------------------------------------------------------------------
    def _run_protocol(self, options: dict[str, Any]) -> None:
        protocol = options["protocol"] or ("files" if options["test"] else "time")
        asked = Options(
            k=options["k"],
            days=options["holdout_days"],
            share=options["holdout_share"],
            sample=options["sample"],
            repeats=options["repeats"],
            validation=options["validation"],
            session_minutes=options["session_minutes"],
            seed=options["seed"],
        )
        try:
            evaluated = self._evaluate(protocol, asked, options)
        except (CannotRead, BadPlan, NothingToAsk) as problem:
            raise CommandError(str(problem)) from None
        except (OSError, EOFError) as problem:
            raise CommandError(f"{options['file'].name}: {problem}") from None
        if not options["json"]:
            self._print(str(options["file"] or protocol), protocol_table.lines(evaluated))
        self._hand_out(options, evaluated.as_json())
        if options["picture"]:
            self._draw(options["picture"], {"": protocol_table.picture(evaluated.report)})
        if len(evaluated.report.results) == 1:
            raise CommandError("No model could be evaluated.")

    def _evaluate(self, protocol: str, asked: Options, options: dict[str, Any]) -> Evaluated:
        if options["file"] is None:
            if options["test"]:
                raise BadPlan("--test needs a file to learn from.")
            return evaluate_shop(
                protocol,
                channel=self._channel(options),
                at=timezone.now(),
                events=options["event"],
                models=options["model"],
                options=asked,
                progress=self._tell,
            )
        return evaluate_files(
            protocol,
            options["file"],
            options["test"],
            models=options["model"],
            options=asked,
            reading=self._reading(options),
            rejected_path=options["rejected"],
            progress=self._tell,
        )

    def _reading(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "told": pairs(options["map"], "--map"),
            "format_name": options["format"],
            "encoding": options["encoding"],
            "delimiter": options["delimiter"],
            "header": None if options["header"] is None else options["header"] == "yes",
            "timezone": zone_of(options),
            "date_format": options["date_format"],
            "events": options["event"],
            "min_rating": options["min_rating"],
            "item_pattern": options["item_pattern"],
            "refund_pattern": options["refund_pattern"],
            "keep_free": options["keep_free"],
        }

    # -- what comes out -------------------------------------------------------------------------
    def _channel(self, options: dict[str, Any]) -> str:
        channel: str | None = options["channel"]
        return get_adapter().get_channel() if channel is None else channel

    def _print(self, heading: str, lines: Iterable[str]) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(heading))
        for line in lines:
            self.stdout.write(line)
        self.stdout.write("")

    def _hand_out(self, options: dict[str, Any], found: dict[str, Any]) -> None:
        text = json.dumps(found, indent=1)
        if options["json"]:
            self.stdout.write(text)
        if options["output"]:
            _write(options["output"], text + "\n")

    def _draw(self, path: Path, pictures: dict[str, str]) -> None:
        """Write one file, or where there are several recommenders one file each."""
        for name, text in pictures.items():
            place = path if len(pictures) == 1 else path.with_name(f"{path.stem}.{name}.svg")
            _write(place, text)

    def _tell(self, message: str) -> None:
        # Progress is for whoever watches: never among the results.
        if sys.stderr.isatty():
            self.stderr.write(f"  … {message}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise CommandError(f"{path}: {problem}") from None
