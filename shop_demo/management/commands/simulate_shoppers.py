from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from engagement.conf import app_settings
from engagement.flows.metrics import making as metrics
from engagement.flows.profiles import making as profiles
from engagement.management.pictures import curves
from shop_demo.simulation import days, earning, forgetting, regret, walking
from shop_demo.simulation.days import AlreadyThere, Story
from shop_demo.simulation.goods import NoCatalogue
from shop_demo.simulation.offering import NoOffers
from shop_demo.simulation.regret import Regret

# What is told of the groups is what they are shown once something was learnt.
LATE = 1 / 3


class Command(BaseCommand):
    help = (
        "Let visitors who do not exist shop in the demonstration: with hidden tastes and a hidden "
        "sense of prices, so that policies have something to find out and figures move. --forget "
        "removes them and all that came of them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=28, help="how many days (default: 28)")
        parser.add_argument("--visitors", type=int, help="how many visitors (default: 600; 10)")
        parser.add_argument("--seed", type=int, default=1, help="of all chance (default: 1)")
        parser.add_argument(
            "--place",
            action="append",
            default=[],
            help="a decision point, as cart.offer (default: all that offer something)",
        )
        parser.add_argument(
            "--favourite",
            action="append",
            default=[],
            help="a department that visitors may like best (default: those of offers, and the "
            "largest)",
        )
        parser.add_argument(
            "--url",
            default="",
            help="walk through the pages of the shop that runs there, as browsers do; on this "
            "machine only, as http://127.0.0.1:8000",
        )
        parser.add_argument("--picture", type=Path, help="write the regret as a picture: FILE.svg")
        parser.add_argument("--forget", action="store_true", help="remove what was simulated")

    def handle(self, *args: Any, **options: Any) -> None:
        if not hasattr(settings, "VAR") or "shop_demo" not in settings.INSTALLED_APPS:
            raise CommandError("This is for the demonstration shop only.")
        if options["forget"]:
            found = forgetting.forget(at=timezone.now())
            self.stdout.write(
                f"Forgotten: {found.n_visitors:,} visitors and {found.n_orders:,} orders."
            )
            return
        _check(options)
        try:
            if options["url"]:
                self._walk(options)
            else:
                self._simulate(options)
        except (NoCatalogue, NoOffers, AlreadyThere, walking.CannotWalk) as error:
            raise CommandError(str(error)) from error

    # -- in process -------------------------------------------------------------------------
    def _simulate(self, options: dict[str, Any]) -> None:
        with _bar(options, options["days"], "day") as done:
            story = days.simulate(
                days=options["days"],
                visitors=options["visitors"] or 600,
                seed=options["seed"],
                until=timezone.localdate(),
                places=options["place"],
                favourites=options["favourite"],
                progress=done,
            )
        now = timezone.now()
        metrics.make(channel="", at=now)
        profiles.make(channel="", at=now)
        self._tell(story)
        found = {
            name: regret.of_point(story.of_point(name))
            for name in dict.fromkeys(one.point for one in story.noted)
        }
        for name, one in found.items():
            self._tell_regret(name, one, story)
        self._tell_uplift(story)
        if options["picture"] and found:
            _draw(options["picture"], found)
            self.stdout.write(f"Picture: {options['picture']}")

    def _tell(self, story: Story) -> None:
        self.stdout.write(
            f"{story.first} to {story.last}: {story.n_visits:,} visits of {story.n_visitors:,} "
            f"visitors, {story.n_orders:,} orders, {story.paid:,.2f} paid, "
            f"{story.taken_off:,.2f} taken off by offers."
        )

    def _tell_regret(self, name: str, found: Regret, story: Story) -> None:
        n = len(found)
        self.stdout.write(
            f"{name}: {n:,} decisions. Regret a decision {found.policy[-1] / n:.4f}; "
            f"by chance {found.chance[-1] / n:.4f}, always «{found.fixed_arm or 'no offer'}» "
            f"{found.fixed[-1] / n:.4f}; the best there was earns {found.best[-1] / n:.4f}."
        )
        late = story.of_point(name)[-max(int(n * LATE), 1) :]
        for favourite, own in regret.shares(late).items():
            shown = ", ".join(
                f"{arm or 'no offer'} {100 * share:.0f} %" for arm, share in own.items()
            )
            self.stdout.write(f"  who likes {favourite}: {shown}")

    def _tell_uplift(self, story: Story) -> None:
        if not app_settings.HOLDOUT_SHARE:
            self.stdout.write(
                "Nobody is held out: with HOLDOUT_SHARE=0.2 the dashboard says what this earns."
            )
            return
        for name, one in earning.uplifts(since=story.first, until=story.last).items():
            self.stdout.write(
                f"{name} of a visitor: {one.variant_mean:.2f}, held out {one.control_mean:.2f}; "
                f"uplift {one.value:+.2f} ({one.low:+.2f} to {one.high:+.2f})."
            )

    # -- over HTTP --------------------------------------------------------------------------
    def _walk(self, options: dict[str, Any]) -> None:
        n = options["visitors"] or 10
        with _bar(options, n, "visitor") as done:
            found = walking.walk(
                options["url"],
                visitors=n,
                seed=options["seed"],
                favourites=options["favourite"],
                progress=done,
            )
        self.stdout.write(
            f"{found.n_pages:,} pages of {n} visitors at {options['url']}: {found.n_added} times "
            f"something was put in the cart, {found.n_offered} offers, {found.n_taken} taken, "
            f"{found.n_orders} orders."
        )


def _check(options: dict[str, Any]) -> None:
    for name in ("days", "visitors"):
        if options[name] is not None and options[name] < 1:
            raise CommandError(f"--{name} is a whole number above 0.")
    if options["seed"] < 0:
        raise CommandError("--seed is a whole number, 0 or above.")
    picture = options["picture"]
    if picture and options["url"]:
        raise CommandError("--picture needs the truth about visitors, which a walk does not keep.")
    if picture and picture.suffix.lower() != ".svg":
        raise CommandError("--picture writes SVG: name a file that ends in .svg.")
    if picture and not picture.absolute().parent.is_dir():
        raise CommandError(f"--picture: there is no folder {picture.absolute().parent}.")


@contextmanager
def _bar(options: dict[str, Any], total: int, unit: str) -> Any:
    with tqdm(total=total, unit=unit, file=sys.stderr, disable=options["verbosity"] == 0) as bar:
        tell: Callable[[int], object] = bar.update
        yield tell


def _draw(path: Path, found: dict[str, Regret]) -> None:
    """Draw the point with the most decisions; an offer for the cart says most."""
    name = max(found, key=lambda one: (one.startswith("cart."), len(found[one])))
    one = found[name]
    series = {
        "by chance": one.chance.tolist(),
        f"always {one.fixed_arm or 'no offer'}": one.fixed.tolist(),
        "what is learnt": one.policy.tolist(),
        "the best there was": [0.0] * len(one),
    }
    path.write_text(
        curves(
            f"What was lost at {name}, beside the best arm of each visit",
            series,
            x_label="decisions",
            y_label="regret, added up",
        )
    )
