"""``manage.py engagement_train``: learn from the event log and make better models live."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.locks import AlreadyRunning
from engagement.flows.training.artifacts import CorruptArtifact
from engagement.flows.training.refresh import NothingLive, refresh
from engagement.flows.training.train import (
    NothingToLearnFrom,
    TrainingFailed,
    TrainReport,
    UnknownAlias,
    train,
)
from engagement.management import comparison_table, made_of


class Command(BaseCommand):
    help = (
        "Compare the candidates of each recommender on held-out days, store the best one fitted "
        "on everything, and make it live if it beats last week's best sellers."
    )

    _at: datetime
    _memo: dict[Any, Any]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--alias", action="append", help="only this recommender; may be given several times"
        )
        parser.add_argument(
            "--refresh",
            action="store_true",
            help="compare nothing: let the live models learn newer events and items",
        )
        parser.add_argument("--channel", help="the shop, where one database serves several")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        failed = []
        self._at, self._memo = timezone.now(), {}
        for alias in options["alias"] or app_settings.RECOMMENDERS:
            try:
                if options["refresh"]:
                    self._refresh(alias, channel)
                else:
                    self._train(alias, channel)
            except UnknownAlias as error:
                raise CommandError(str(error)) from error
            except AlreadyRunning:
                self.stderr.write(f"{alias}: another process is training it; left to that one.")
            except (NothingToLearnFrom, NothingLive, TrainingFailed, CorruptArtifact) as error:
                self.stderr.write(self.style.ERROR(f"{alias}: {error}"))
                failed.append(alias)
        if failed:
            raise CommandError(f"Not trained: {', '.join(failed)}. What was live stays live.")

    def _train(self, alias: str, channel: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(alias))
        report = train(
            channel=channel,
            alias=alias,
            at=self._at,
            rng=np.random.default_rng(),
            progress=self._tell,
            memo=self._memo,
        )
        if self.verbosity:
            for line in comparison_table.lines(report.comparison):
                self.stdout.write(line)
            for line in made_of.lines(report.artifact.metrics):
                self.stdout.write(line)
        self.stdout.write(self._summary(report))
        self.stdout.write("")

    def _refresh(self, alias: str, channel: str) -> None:
        report = refresh(
            channel=channel, alias=alias, at=timezone.now(), rng=np.random.default_rng()
        )
        if report.artifact is None:
            self.stdout.write(f"{alias}: nothing new since the live model.")
            return
        artifact = report.artifact
        self.stdout.write(
            self.style.SUCCESS(
                f"{alias}: live: model {artifact.pk}, refreshed with "
                f"{artifact.n_interactions:,} interactions in {report.seconds:.1f} s"
            )
        )

    def _summary(self, report: TrainReport) -> str:
        artifact = report.artifact
        what = (
            f"model {artifact.pk} ({artifact.backend.rpartition('.')[2]}, "
            f"{artifact.n_interactions:,} interactions, {artifact.n_items:,} items, "
            f"{artifact.n_bytes / 1e6:.1f} MB) in {report.seconds:.1f} s"
        )
        if report.activated:
            return self.style.SUCCESS(f"Live: {what}: {report.reason}")
        return self.style.WARNING(f"Kept, not live: {what}: {report.reason}")

    def _tell(self, message: str) -> None:
        if self.verbosity > 1 or self.stdout.isatty():
            self.stdout.write(f"  … {message}")

    def execute(self, *args: Any, **options: Any) -> str | None:
        self.verbosity = options["verbosity"]
        return super().execute(*args, **options)
