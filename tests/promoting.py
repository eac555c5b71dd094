"""Campaigns, offers and shoppers for tests: what is not said is a plain tenth off."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from engagement.flows.promotions import offers
from engagement.flows.promotions.carts import Cart, Line
from engagement.flows.promotions.offers import RunningOffer
from engagement.flows.promotions.shoppers import Shopper, shopper_of
from engagement.flows.serving import live
from engagement.models import Campaign, Promotion
from tests import serving
from tests.conftest import MONDAY


def campaign(name: str = "spring", **fields: Any) -> Campaign:
    """A campaign that runs since Monday."""
    fields = {"currency": "EUR", "status": "running", "started_at": MONDAY, **fields}
    return Campaign.objects.create(name=name, **fields)


def promotion(name: str = "tenth", *, of: Campaign | None = None, **fields: Any) -> Promotion:
    """An offer of a running campaign: ten per cent off, for whom it was given to."""
    fields = {"kind": "percentage", "value": Decimal(10), "placements": ["cart.offer"], **fields}
    if fields["kind"] not in ("percentage", "amount", "bundle"):
        fields["value"] = None
    texts = {"en": {"title": name.capitalize(), "text": "", "button": "", "terms": ""}}
    row = Promotion.objects.create(
        campaign=of or campaign(f"of-{name}"), name=name, **{"texts": texts, **fields}
    )
    live.forget()
    return row


def running(name: str = "tenth", **fields: Any) -> RunningOffer:
    """The same, as serving sees it."""
    row = promotion(name, **fields)
    return offers.detached(offers.rows(pk=row.pk).get())


def cart(*lines: tuple[Any, ...], currency: str = "EUR", shipping: Any = None) -> Cart:
    """A cart of (key, price, quantity, category); the last two may be missing."""
    return Cart.of(
        (Line(key, Decimal(str(price)), *rest) for key, price, *rest in lines),
        currency=currency,
        shipping=None if shipping is None else Decimal(str(shipping)),
    )


TWENTY = (("bread", 5, 2), ("wine", 10))


def shopper(key: str = "a" + "1" * 32, *, at: datetime = MONDAY, **fields: Any) -> Shopper:
    """A visitor with a cart of 20.00, of whom nothing else is known."""
    given = fields.pop("cart", None)
    return shopper_of(
        serving.visitor(key, **fields), cart=cart(*TWENTY) if given is None else given, at=at
    )
