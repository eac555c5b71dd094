from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from shop_demo.models import Household, Product, SeedStep
from shop_demo.personas import BY_KEY
from shop_demo.seeding import people
from shop_demo.seeding.source import PACKAGE, SIZES, Source, SourceMissing, folder
from shop_demo.seeding.steps import STEPS, Seeding

ADDRESS = f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


class Command(BaseCommand):
    help = "Fill the demonstration shop with real households' purchases, and train its shelves."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--size",
            choices=sorted(SIZES),
            default=os.environ.get("DEMO_SIZE") or "default",
            help="How much of the purchases (default: DEMO_SIZE, or all households with the "
            "often-bought products of the last half year).",
        )
        parser.add_argument(
            "--if-needed",
            action="store_true",
            help="Do only what an earlier run has not finished.",
        )
        parser.add_argument(
            "--data",
            type=Path,
            default=None,
            help=f"A folder with the Parquet files (default: the installed {PACKAGE}).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["size"] not in SIZES:
            raise CommandError(
                f"DEMO_SIZE is {options['size']!r}; it can be {', '.join(sorted(SIZES))}."
            )
        steps = list(SeedStep.objects.all())
        if options["if_needed"] and {step.name for step in steps} >= set(STEPS):
            self.stdout.write(f"The shop is filled already (size {steps[0].size}).")
            self._say_what_to_look_at()
            return
        if options["if_needed"] and steps and steps[0].size != options["size"]:
            raise CommandError(
                f"The shop was begun in size {steps[0].size}. Go on with "
                f"--size {steps[0].size}, or leave out --if-needed to begin again."
            )
        try:
            source = Source(options["data"] or folder())
        except SourceMissing as error:
            raise CommandError(f"The source data is not installed: {error}") from error
        seeding = Seeding(
            source,
            SIZES[options["size"]],
            # Dates go on from the first run's day: what was recorded by then must still match.
            today=min((step.today for step in steps), default=timezone.localdate()),
            progress=lambda name, total: tqdm(
                total=total,
                desc=f"{name:<12}",
                unit="",
                unit_scale=True,
                file=sys.stderr,
                disable=options["verbosity"] == 0,
            ),
            verbosity=options["verbosity"],
        )
        seeding.run(only_missing=options["if_needed"])
        for name, seconds in seeding.seconds.items():
            self.stdout.write(f"{name:<12} {seconds:6.1f} s")
        self._say_what_to_look_at()

    def _say_what_to_look_at(self) -> None:
        say = self.stdout.write
        say("")
        say(f"{Product.objects.count():,} products, {Household.objects.count():,} households.")
        say(f"The shop        {ADDRESS}/  (English and 简体中文)")
        name, password = people.ADMIN
        say(f"The admin       {ADDRESS}/admin/  sign in as {name} / {password}")
        say(f"Households      {ADDRESS}/account/sign-in/  (password: {people.PASSWORD})")
        for household in Household.objects.exclude(persona="").select_related("user"):
            persona = BY_KEY.get(household.persona)
            if persona is not None:
                say(f"  {household.user.username:<15} {persona.title}: {persona.text}")
