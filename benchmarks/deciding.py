"""
``python -m benchmarks.deciding``: how long a decision takes, and how fast its outcomes are learnt.

On a database of its own: SQLite in a temporary folder, or the one that DATABASE_URL names. Twenty
offers run at one place; a logistic policy that has learnt decides among them and none. Times are
the processor's own, so that other work on the machine does not count; nor does a database server's.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

os.environ.setdefault("SHOP_DEMO_VAR", tempfile.mkdtemp(prefix="engagement-deciding-"))
N_OFFERS, N_LOG, N_VISITORS = 20, 20_000, 300
N_DEPARTMENTS = 20
PLACE = "cart.offer"


def main() -> None:
    import benchmarks

    benchmarks.set_up()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    point = _point()
    seconds = _learn(point)
    print(f"settled {N_LOG:,} decisions in {seconds[0]:.1f} s, learnt in {seconds[1]:.1f} s")
    for name, taken in _decide().items():
        ninth = statistics.quantiles(taken, n=10)[8]
        print(f"{name}: median {statistics.median(taken):.2f} ms, p90 {ninth:.2f} ms")


def _point() -> Any:
    import numpy as np
    from django.utils import timezone

    from engagement.conf import app_settings
    from engagement.flows.deciding import activating, versions
    from engagement.models import Campaign, Decision, DecisionPoint, Item, Promotion, Visitor

    now = timezone.now()
    Item.objects.bulk_create(
        Item(key=f"item-{n}", external_id=f"item-{n}", title=str(n), category=f"Shelf {n} > All")
        for n in range(N_DEPARTMENTS)
    )
    campaign = Campaign.objects.create(
        name="all",
        currency=app_settings.CURRENCY,
        status="running",
        started_at=now - timedelta(days=9),
    )
    for number in range(N_OFFERS):
        Promotion.objects.create(
            campaign=campaign,
            name=f"offer-{number}",
            kind="percentage",
            value=Decimal(5 + number),
            code_kind="personal",
            placements=[PLACE],
        )
    point = DecisionPoint.objects.create(name=PLACE, reward="conversion", window_hours=24)
    backend, options = versions.spec_of("contexts")
    version = versions.make(point, backend=backend, options=options)
    rng = np.random.default_rng(7)
    activating.activate(version, at=now, rng=rng)
    visitors = Visitor.objects.bulk_create(Visitor(key=f"log-{n}") for n in range(N_LOG))
    arms = ["", *(f"offer-{number}" for number in range(N_OFFERS))]
    even = [1 / len(arms)] * len(arms)
    drawn = rng.integers(len(arms), size=N_LOG)
    # Some tastes among what is known, as of a visitor who has looked around.
    names = [*version.features[:12], *version.features[-3:]]
    known = rng.random((N_LOG, len(names))).round(4)
    Decision.objects.bulk_create(
        (
            Decision(
                key=uuid.uuid4(),
                point=point,
                version=version,
                learnt_until=0,
                visitor=visitor,
                decided_at=now - timedelta(days=5, seconds=-number),
                arm=arms[drawn[number]],
                arms=arms,
                probabilities=even,
                propensity=even[0],
                context=dict(zip(names, known[number].tolist(), strict=True)),
            )
            for number, visitor in enumerate(visitors)
        ),
        batch_size=1000,
    )
    return point


def _learn(point: Any) -> tuple[float, float]:
    from django.utils import timezone

    from engagement.flows.deciding import learning, settling

    started = time.process_time()
    settling.settle(point, at=timezone.now())
    settled = time.process_time()
    learning.learn(point, at=timezone.now())
    return settled - started, time.process_time() - settled


def _decide() -> dict[str, list[float]]:
    from django.utils import timezone

    from engagement.flows.collecting.identity import Person
    from engagement.flows.deciding import choosing, drawing
    from engagement.flows.promotions.shoppers import shopper_of
    from engagement.flows.serving import live
    from engagement.models import DecisionPoint, Visitor

    people = [
        Person("", f"a{number:032x}", "", None, may_store=True, is_staff=False)
        for number in range(N_VISITORS)
    ]
    Visitor.objects.bulk_create(Visitor(key=person.key) for person in people)
    taken: dict[str, list[float]] = {}

    def timed(name: str, call: Any) -> Any:
        started = time.process_time()
        found = call()
        taken.setdefault(name, []).append((time.process_time() - started) * 1000)
        return found

    point = live.state().point("", PLACE, DecisionPoint.Kind.OFFERS)
    import numpy as np

    rng = np.random.default_rng(3)
    arms = ["", *(f"offer-{number}" for number in range(N_OFFERS))]
    for person in people:
        at = timezone.now()
        timed("the draw alone", lambda: drawing.draw(point.live, arms, {"phone": 1.0}, rng=rng))
        shopper = timed("who asks", lambda person=person, at=at: shopper_of(person, at=at))
        for name in ("a new decision", "one that holds"):
            timed(name, lambda s=shopper, at=at: choosing.choose(PLACE, shopper=s, at=at))
    return taken


if __name__ == "__main__":
    main()
