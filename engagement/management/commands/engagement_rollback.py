"""``manage.py engagement_rollback ALIAS``: make the model live again that was live before."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext_noop

from engagement.adapters import get_adapter
from engagement.flows.training import artifacts
from engagement.models import ModelArtifact

BY_COMMAND = gettext_noop("by command")


class Command(BaseCommand):
    help = "Make the model live that was live before this one; repeated, the one before that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("alias", help="the recommender, as the settings name it")
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--list", action="store_true", help="only show the models that there are"
        )
        parser.add_argument("--to", type=int, metavar="ID", help="go to this model instead")

    def handle(self, **options: Any) -> None:
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        alias = options["alias"]
        if options["list"]:
            self._list(alias, channel)
            return
        try:
            artifact = self._go(alias, channel, options["to"])
        except artifacts.NothingToRollBackTo as error:
            raise CommandError(str(error)) from error
        except artifacts.CorruptArtifact as error:
            raise CommandError(f"Nothing was changed: {error}.") from error
        self.stdout.write(
            self.style.SUCCESS(f"Live: {artifact}, of {artifact.trained_at:%Y-%m-%d %H:%M}")
        )

    def _go(self, alias: str, channel: str, to: int | None) -> ModelArtifact:
        at = timezone.now()
        if to is None:
            return artifacts.roll_back(alias, channel=channel, at=at).artifact
        artifact = ModelArtifact.objects.filter(channel=channel, alias=alias, pk=to).first()
        if artifact is None:
            raise CommandError(f"{alias!r} has no model {to}; see --list.")
        artifacts.check(artifact)
        return artifacts.activate(artifact, at=at, reason=BY_COMMAND).artifact

    def _list(self, alias: str, channel: str) -> None:
        rows = ModelArtifact.objects.filter(channel=channel, alias=alias).order_by("-trained_at")
        if not rows:
            raise CommandError(f"There is no model of {alias!r}.")
        live = artifacts.live(alias, channel=channel)
        before = artifacts.previous(alias, channel=channel)
        for row in rows:
            mark = {live: "live", before: "previous"}.get(row, "")
            backend = row.backend.rpartition(".")[2]
            trained = f"{row.trained_at:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{row.pk:>6}  {trained}  {backend:<16}{row.verdict:<10}{mark}")
