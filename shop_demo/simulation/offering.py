"""Where simulated shoppers are made offers: the shop's own decision points, while offers run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engagement.flows.deciding.running import RunningPoint
from engagement.flows.promotions import eligibility, running
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.serving import live
from engagement.models import DecisionPoint
from shop_demo.simulation.goods import Goods


class NoOffers(Exception):
    """Nothing would be decided; the message says why."""


def points(names: Sequence[str] = (), channel: str = "") -> list[RunningPoint]:
    """Return the points that decide about offers, all or those named; raises NoOffers."""
    found = {
        name: point
        for (owner, name), point in live.state().points.items()
        if owner == channel and point.kind == DecisionPoint.Kind.OFFERS and point.live is not None
    }
    if not found:
        raise NoOffers(
            "No decision point is active and has a policy: see Admin → Decision points, or "
            "manage.py shop_demo_seed."
        )
    unknown = sorted(set(names) - set(found))
    if unknown:
        raise NoOffers(
            f"No policy decides at {', '.join(unknown)}; there are {', '.join(sorted(found))}."
        )
    return [found[name] for name in names or sorted(found)]


def check(some: Sequence[RunningPoint], *, since: datetime, until: datetime) -> None:
    """Raise NoOffers where no offer of these points runs between the two moments."""
    here = [offer for point in some for offer in offers_of(point)]
    if not here:
        places = ", ".join(point.name for point in some)
        raise NoOffers(f"No campaign that runs has offers for {places}.")
    if any(not eligibility.dates(offer, at) for offer in here for at in (since, until)):
        return
    starts = min((offer.starts_at for offer in here if offer.starts_at), default=None)
    when = f": the first begins on {starts:%Y-%m-%d}" if starts else ""
    raise NoOffers(
        f"No offer runs between {since:%Y-%m-%d} and {until:%Y-%m-%d}{when}. Simulate fewer days, "
        "or let the campaigns begin earlier."
    )


def offers_of(point: RunningPoint) -> tuple[RunningOffer, ...]:
    return running.offers_of(point.channel, point.name)


def is_of_the_cart(point: RunningPoint) -> bool:
    """Return whether what is offered there is offered for a cart, and used with it."""
    return point.name.startswith("cart.")


def favourites(goods: Goods, some: Sequence[RunningPoint], most: int = 6) -> list[str]:
    """Return departments that visitors may like best: those of offers first, then the large."""
    named = {
        key
        for point in some
        for offer in offers_of(point)
        if offer.terms.scope == "category"
        for key in offer.terms.scope_keys
    }
    order = sorted(
        goods.departments, key=lambda name: (name not in named, -goods.sizes[goods.place(name)])
    )
    return order[: max(most, len(named & set(order)))]
