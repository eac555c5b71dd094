"""``manage.py engagement_train_sentiment``: learn from stars and corrections how texts feel."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.flows.locks import AlreadyRunning
from engagement.flows.understanding import aspect_training
from engagement.flows.understanding.analyse import n_pending
from engagement.flows.understanding.flags import decisions
from engagement.flows.understanding.train import NoRung, TrainReport, UnknownClassifier, train

COLUMNS = ("macro_f1", "accuracy", "calibration_error")
HEADS = ("macro-F1", "accuracy", "cal. error")


class Command(BaseCommand):
    help = (
        "Climb the ladder of sentiment models with the labels that there are, each language for "
        "itself, and make the result live if it beats the live one on reviews held out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--moderation",
            action="store_true",
            help="then learn from the moderators' decisions what should be looked at",
        )
        parser.add_argument(
            "--aspects",
            action="store_true",
            help="then learn from the moderators' corrections how texts feel about what they name",
        )

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        try:
            report = train(channel=channel, at=timezone.now(), progress=self._tell)
        except (UnknownClassifier, NoRung) as error:
            raise CommandError(f"Not trained: {error} What was live stays live.") from error
        except AlreadyRunning:
            raise CommandError("Another process is training it; left to that one.") from None
        self._show(report)
        if report.activated:
            self.stdout.write(
                f"{n_pending(channel):,} texts wait to be read anew: manage.py engagement_classify"
            )
        if options["moderation"]:
            self._moderation(channel)
        if options["aspects"]:
            self._aspects(channel)

    def _show(self, report: TrainReport) -> None:
        labels = report.metrics["labels"]
        self.stdout.write(
            f"{labels['learnt']:,} labels to learn from, {labels['held_out']:,} held out, "
            f"{labels['corrections']:,} corrections of moderators"
        )
        for language, rungs in report.metrics["languages"].items():
            self._table(language, rungs, report.rungs.get(language, report.rungs[""]))
        if report.metrics["models"]:
            self._table("all languages", report.metrics["models"], report.metrics["winner"])
            gain = report.metrics["gain"]
            self.stdout.write(
                f"gain {gain['mean']:+.4f} macro-F1 ({gain['low']:+.4f} to {gain['high']:+.4f})"
            )
        for name, reason in report.failures.items():
            self.stdout.write(self.style.WARNING(f"{name} failed and was left out: {reason}"))
        artifact = report.artifact
        what = f"model {artifact.pk} ({artifact.n_bytes / 1e6:.1f} MB) in {report.seconds:.1f} s"
        if report.activated:
            self.stdout.write(self.style.SUCCESS(f"Live: {what}: {report.reason}"))
        else:
            self.stdout.write(self.style.WARNING(f"Kept, not live: {what}: {report.reason}"))

    def _table(self, title: str, rows: Mapping[str, Mapping[str, float]], best: str) -> None:
        width = max(len(name) for name in rows) + 2
        self.stdout.write(self.style.MIGRATE_HEADING(title))
        self.stdout.write(f"{'':{width}}" + "".join(f"{head:>12}" for head in HEADS) + "  interval")
        for name, values in rows.items():
            star = " *" if name == best else ""
            numbers = "".join(f"{values[column]:>12.4f}" for column in COLUMNS)
            low, high = values["macro_f1_low"], values["macro_f1_high"]
            self.stdout.write(f"{name + star:{width}}{numbers}  {low:.4f}–{high:.4f}")

    def _moderation(self, channel: str) -> None:
        try:
            artifact = decisions.train(channel=channel, at=timezone.now())
        except decisions.TooFewDecisions as few:
            self.stdout.write(f"Not learnt from moderators: {few}")
        else:
            self.stdout.write(f"Learnt from moderators: {artifact.get_verdict_display()}")

    def _aspects(self, channel: str) -> None:
        try:
            artifact = aspect_training.train(channel=channel, at=timezone.now())
        except aspect_training.TooFewCorrections as few:
            self.stdout.write(f"Aspects not learnt: {few}")
        else:
            self.stdout.write(f"Learnt about aspects: {artifact.get_verdict_display()}")

    def _tell(self, message: str) -> None:
        if self.verbosity > 1 or self.stdout.isatty():
            self.stdout.write(f"  … {message}")

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.verbosity = options["verbosity"]
        return super().execute(*args, **options)
