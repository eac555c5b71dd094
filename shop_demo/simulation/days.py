"""Day after day: visitors come, and at night the app's own tasks do what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
from django.utils import timezone

from engagement.flows.deciding import learning
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.metrics import making as metrics
from engagement.flows.metrics.days import midnight
from engagement.flows.profiles import making as profiles
from engagement.flows.serving import live
from engagement.models import DecisionPoint, Visitor
from engagement.signals import events_recorded
from engagement.tasks import follow_events
from shop_demo.simulation import goods as catalogue
from shop_demo.simulation import offering, shopping, world
from shop_demo.simulation.shopping import Visit
from shop_demo.simulation.visiting import Done, Noted, Stage, visit
from shop_demo.simulation.world import Habits, Somebody

# From seven in the morning to eleven at night, most in the evening.
HOURS = tuple(range(7, 23))
BUSY = np.array([2, 3, 4, 5, 5, 6, 5, 4, 4, 5, 7, 9, 10, 9, 7, 4], dtype=np.float64)

# A worker learns every five minutes; that many rounds would take longer than all the visits.
LEARNS_EVERY = timedelta(hours=3)


class AlreadyThere(Exception):
    """The visitors of this seed have been here; the message says what can be done."""


@dataclass
class Story:
    """What happened, added up."""

    first: date
    last: date
    n_visitors: int
    n_visits: int = 0
    n_orders: int = 0
    paid: Decimal = Decimal(0)
    taken_off: Decimal = Decimal(0)
    noted: list[Noted] = field(default_factory=list)

    def add(self, done: Done) -> None:
        self.n_visits += 1
        self.n_orders += done.ordered
        self.paid += done.paid
        self.taken_off += done.taken_off
        self.noted += done.noted

    def of_point(self, name: str) -> list[Noted]:
        return [one for one in self.noted if one.point == name]


def simulate(
    *,
    days: int,
    visitors: int,
    seed: int,
    until: date,
    places: Sequence[str] = (),
    favourites: Sequence[str] = (),
    habits: Habits | None = None,
    channel: str = "",
    progress: Callable[[int], object] = lambda n: None,
) -> Story:
    """
    Let ``visitors`` come and go on the ``days`` before ``until``, and the app learn each night.

    On the day before all of them have looked around once, so that something is known of each.

    ``progress`` is called with 1 after each day. Raises NoCatalogue, NoOffers, and AlreadyThere
    where the same visitors have come before. The same seed makes the same visitors want the same
    on the same days; what they are offered depends on what policies have learnt by then.
    """
    habits = habits or Habits()
    live.forget()
    goods = catalogue.read(channel)
    points = offering.points(places, channel)
    first = until - timedelta(days=days)
    offering.check(points, since=midnight(first), until=midnight(until) - timedelta(seconds=1))
    people_rng, visits_rng, draws_rng = np.random.default_rng(seed).spawn(3)
    people = world.make(
        visitors,
        goods,
        favourites=_known(favourites, goods) or offering.favourites(goods, points),
        habits=habits,
        seed=seed,
        rng=people_rng,
    )
    if Visitor.objects.filter(channel=channel, key=people[0].key).exists():
        raise AlreadyThere(
            f"The shoppers of seed {seed} have been here already: --forget them first, or name "
            "another --seed."
        )
    story = Story(first, until - timedelta(days=1), visitors)
    stage = Stage(points, goods, habits, draws_rng, channel)
    with _simulated_clock():
        _look_around(first - timedelta(days=1), people, stage, visits_rng)
        for day in _days(first, days):
            who = world.come(day, people, visits_rng)
            _day(_plans(day, who, stage, visits_rng, first_number=story.n_visits), stage, story)
            _night(points, channel, at=midnight(day + timedelta(days=1)))
            progress(1)
    return story


@contextmanager
def _simulated_clock() -> Iterator[None]:
    """
    Keep the app from learning by the real clock when events are stored: by that clock the windows
    of simulated decisions are over before anything has come of them.
    """
    uid = "engagement.deciding"
    was_there = events_recorded.disconnect(dispatch_uid=uid)
    try:
        yield
    finally:
        if was_there:
            events_recorded.connect(follow_events, dispatch_uid=uid)


def _look_around(
    day: date, people: Sequence[Somebody], stage: Stage, rng: np.random.Generator
) -> None:
    for plan in _plans(day, people, stage, rng, looks_only=True):
        visit(plan, replace(stage, points=()))
    _night(stage.points, stage.channel, at=midnight(day + timedelta(days=1)))


def _day(plans: Sequence[Visit], stage: Stage, story: Story) -> None:
    learnt_at = plans[0].at if plans else None
    for plan in plans:
        if learnt_at is not None and plan.at - learnt_at >= LEARNS_EVERY:
            learnt_at = plan.at
            _learn(stage.points, at=learnt_at)
        story.add(visit(plan, stage))


def _known(favourites: Sequence[str], goods: catalogue.Goods) -> list[str]:
    unknown = sorted(set(favourites) - set(goods.departments))
    if unknown:
        raise catalogue.NoCatalogue(
            f"The shop has no department {', '.join(unknown)}; it has "
            f"{', '.join(goods.departments)}."
        )
    return list(favourites)


def _days(first: date, n: int) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range(n))


def _plans(
    day: date,
    who: Sequence[Somebody],
    stage: Stage,
    rng: np.random.Generator,
    *,
    first_number: int = 0,
    looks_only: bool = False,
) -> list[Visit]:
    moments = sorted(_moment(day, rng) for _one in who)
    return [
        shopping.plan(
            first_number + number,
            one,
            at,
            goods=stage.goods,
            habits=stage.habits,
            rng=rng,
            looks_only=looks_only,
        )
        for number, (one, at) in enumerate(zip(who, moments, strict=True))
    ]


def _moment(day: date, rng: np.random.Generator) -> datetime:
    hour = int(rng.choice(HOURS, p=BUSY / BUSY.sum()))
    return midnight(day) + timedelta(hours=hour, seconds=float(rng.uniform(0, 3600)))


def _night(points: Sequence[RunningPoint], channel: str, *, at: datetime) -> None:
    """What the worker does at night: the figures of the day, and profiles of who came."""
    yesterday = timezone.localdate(at) - timedelta(days=1)
    metrics.make(channel=channel, at=at, since=yesterday, until=yesterday)
    profiles.make(channel=channel, at=at)
    _learn(points, at=at)


def _learn(points: Sequence[RunningPoint], *, at: datetime) -> None:
    """Settle what is due and learn, as the worker does every few minutes."""
    for row in DecisionPoint.objects.filter(pk__in=[point.id for point in points]):
        learning.learn(row, at=at)
    # What was learnt is met by whoever comes next, without waiting for the next poll.
    live.forget()
