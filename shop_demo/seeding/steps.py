"""
Filling the shop, step by step. A step is all or nothing and remembered when it is done, so that
a run that was killed goes on where it was.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from shop_demo import personas
from shop_demo.models import SeedStep
from shop_demo.seeding import (
    campaigns,
    catalogue,
    offers,
    orders,
    people,
    points,
    reviews,
    vocabulary,
)
from shop_demo.seeding.source import Size, Source, shift

STEPS = (
    "catalogue",
    "households",
    "orders",
    "coupons",
    "admin",
    "events",
    "models",
    "reviews",
    "profiles",
    "campaigns",
    "points",
)


@dataclass
class Seeding:
    """One run: reads the source once, and only when a step needs it."""

    source: Source
    size: Size
    today: date
    # Called with a step's name and how much there is to do; answers what to call as it is done.
    progress: Callable[[str, int], Any]
    verbosity: int = 1
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, *, only_missing: bool) -> list[str]:
        """Run the steps in order, and return those that were run."""
        if not only_missing:
            SeedStep.objects.all().delete()
        done = set(SeedStep.objects.values_list("name", flat=True))
        missing = [name for name in STEPS if name not in done]
        for name in missing:
            started = time.monotonic()
            self._run(name)
            self.seconds[name] = time.monotonic() - started
        return missing

    def _run(self, name: str) -> None:
        step: Callable[[], None] = getattr(self, name)
        if name in ("events", "models", "reviews", "profiles"):
            # The app's own commands: each of them can be repeated without harm.
            step()
            self._remember(name)
        else:
            with transaction.atomic():
                step()
                self._remember(name)

    def _remember(self, name: str) -> None:
        SeedStep.objects.create(name=name, size=self.size.name, today=self.today)

    # -- the source, read once --------------------------------------------------------------
    @functools.cached_property
    def sold_here(self) -> list[catalogue.Named]:
        """Return the products of the source that the shop sells, most sold first."""
        n_lines = self.bought["product"].value_counts()
        products = self.source.products()
        products = products.assign(n=products["product_id"].map(n_lines)).dropna(subset=["n"])
        products = products.sort_values(["n", "product_id"], ascending=[False, True])
        return catalogue.name_products(products, vocabulary.load())

    @functools.cached_property
    def bought(self) -> pd.DataFrame:
        return self.source.purchases(self.size)

    @functools.cached_property
    def lines(self) -> pd.DataFrame:
        """Return the purchases of what is sold here."""
        numbers = {item.number for item in self.sold_here}
        return self.bought[self.bought["product"].isin(numbers)]

    @functools.cached_property
    def moved_by(self) -> timedelta:
        return shift(self.bought["at"].max(), self.today)

    # -- the steps ----------------------------------------------------------------------------
    def catalogue(self) -> None:
        categories = catalogue.save_categories(vocabulary.load())
        products = catalogue.build(
            self.sold_here, categories, self.lines, self.source.first_sold(), self.moved_by
        )
        with self.progress("catalogue", len(products)) as bar:
            for start in range(0, len(products), 2000):
                batch = products[start : start + 2000]
                catalogue.save(batch)
                bar.update(len(batch))

    def households(self) -> None:
        category_of = {item.number: item.entry.heading.slug for item in self.sold_here}
        shown = personas.choose(self.lines, category_of)
        numbers = self.source.households()
        if self.size.households is not None:
            numbers = sorted(int(number) for number in self.lines["household"].unique())
        with self.progress("households", len(numbers)) as bar:
            people.save(numbers, self.source.demographics(), shown)
            bar.update(len(numbers))

    def orders(self) -> None:
        n_lines = len(orders.per_line(self.lines))
        with self.progress("orders", n_lines) as bar:
            orders.save(self.lines, people.user_ids(), self.moved_by, bar.update)

    def coupons(self) -> None:
        with self.progress("coupons", 1) as bar:
            offers.save(self.source, self.lines, self.moved_by)
            bar.update(1)

    def admin(self) -> None:
        people.save_admin()

    # The app's part: a shop that installs it runs the same two commands.
    def events(self) -> None:
        call_command("engagement_backfill", verbosity=self.verbosity)

    def models(self) -> None:
        call_command("engagement_train", verbosity=self.verbosity)

    def reviews(self) -> None:
        with self.progress("reviews", len(reviews.read())) as bar:
            reviews.save(bar.update)

    def profiles(self) -> None:
        # The dashboard's figures, and from them whom audiences are made of.
        call_command("engagement_metrics", all=True, verbosity=self.verbosity)
        call_command("engagement_profiles", all=True, verbosity=self.verbosity)

    def campaigns(self) -> None:
        with self.progress("campaigns", 1) as bar:
            campaigns.save(timezone.now())
            bar.update(1)

    def points(self) -> None:
        with self.progress("points", 1) as bar:
            points.save(timezone.now())
            bar.update(1)
