"""
One visit through the app's own flows: events, a decision, what was seen and clicked, an order.

The clock is the visit's. Nothing is asked of the shop's pages; ``walking`` does that.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
from django.db.models import F

from engagement.flows.collecting import ingest
from engagement.flows.collecting.identity import Person
from engagement.flows.deciding.choosing import Choice, choose
from engagement.flows.deciding.running import RunningPoint
from engagement.flows.promotions import redeeming
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper, priced, shopper_of
from engagement.shop_offers import ShopCart
from shop_demo import checkout
from shop_demo.carts import SoldOut
from shop_demo.checkout import Address, Placed, place_order
from shop_demo.models import Cart as ShopsCart
from shop_demo.models import CartLine, Product
from shop_demo.simulation import shopping
from shop_demo.simulation.goods import Goods
from shop_demo.simulation.offering import is_of_the_cart, offers_of
from shop_demo.simulation.shopping import NOTHING, Visit
from shop_demo.simulation.world import Habits

# Orders of simulated shoppers are told by their address; no mail can be sent to such a domain.
DOMAIN = "simulated.invalid"


@dataclass(frozen=True, slots=True)
class Noted:
    """A decision beside the truth: what each arm would have been worth, in the point's reward."""

    point: str
    key: str
    arm: str
    favourite: str
    at: datetime
    worth: Mapping[str, float]


@dataclass(slots=True)
class Done:
    """What came of a visit."""

    noted: list[Noted] = field(default_factory=list)
    ordered: bool = False
    paid: Decimal = NOTHING
    taken_off: Decimal = NOTHING


@dataclass(frozen=True)
class Stage:
    """What all visits share."""

    points: Sequence[RunningPoint]
    goods: Goods
    habits: Habits
    rng: np.random.Generator
    channel: str = ""


def visit(plan: Visit, stage: Stage) -> Done:
    """Let one visitor come; return what came of it."""
    return _Visiting(plan, stage).run()


class _Visiting:
    """A visit while it lasts: ``at`` moves on with each page."""

    def __init__(self, plan: Visit, stage: Stage) -> None:
        self.plan, self.stage = plan, stage
        self.person: Person = plan.who.person(stage.channel)
        self.cart: Cart = shopping.cart_of(plan)
        self.session = f"simulated-{plan.at:%Y%m%d}-{plan.number}"
        self.done = Done()
        self.at = plan.at
        self._shopper: Shopper | None = None
        self._pauses = iter(plan.pauses)

    def run(self) -> Done:
        for point in self.stage.points:
            if not is_of_the_cart(point):
                self._offered(point, Cart(currency=self.cart.currency))
        self._tell(*self._browsing())
        codes: dict[str, Decimal] = {}
        for point in self.stage.points:
            if is_of_the_cart(point) and self.cart.lines:
                choice = self._offered(point, self.cart)
                if choice is not None and choice.code:
                    codes[choice.code] = self._saved(point, choice)
        best = max(codes, key=lambda code: codes[code], default="")
        self._decide(best, codes.get(best, NOTHING))
        return self.done

    # -- looking around ---------------------------------------------------------------------
    def _browsing(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for good in self.plan.viewed:
            found.append(self._event("view_item", items=[{"item_id": good.key}]))
        for good, n in self.plan.wanted:
            line = {"item_id": good.key, "quantity": n, "value": str(good.price * n)}
            found.append(self._event("add_to_cart", items=[line], currency=self.cart.currency))
        if self.plan.wanted:
            found.append(self._event("view_cart"))
        return found

    def _event(self, name: str, **fields: Any) -> dict[str, Any]:
        self.at += next(self._pauses, self.plan.pauses[-1])
        return {"event": name, "event_time": self.at, "session_id": self.session, **fields}

    def _tell(self, *events: dict[str, Any], trusted: bool = False) -> None:
        ingest.ingest(
            events,
            channel=self.stage.channel,
            person=self.person,
            at=self.at,
            trusted=trusted,
        )

    # -- being offered something ------------------------------------------------------------
    def _offered(self, point: RunningPoint, cart: Cart) -> Choice | None:
        shopper = shopper_of(self.person, cart=cart, at=self.at)
        if is_of_the_cart(point):
            self._shopper = shopper
        choice = choose(point.name, shopper=shopper, at=self.at, rng=self.stage.rng)
        if choice is None or not choice.decision_key:
            return choice
        self.done.noted.append(self._noted(point, choice))
        if choice and choice.token:
            self._tell(*self._seen(point, choice))
        return choice

    def _noted(self, point: RunningPoint, choice: Choice) -> Noted:
        worth = partial(
            shopping.expected,
            point.reward,
            self.plan,
            cart=self.cart,
            goods=self.stage.goods,
            habits=self.stage.habits,
            is_used=is_of_the_cart(point),
        )
        return Noted(
            point=point.name,
            key=choice.decision_key,
            arm=choice.arm,
            favourite=self.plan.who.favourite,
            at=self.at,
            worth={"": worth(None), **{one.name: worth(one) for one in offers_of(point)}},
        )

    def _seen(self, point: RunningPoint, choice: Choice) -> list[dict[str, Any]]:
        events = [{"event": "view_promotion", "event_time": self.at, "promotion_id": choice.token}]
        offer = next((one for one in offers_of(point) if one.name == choice.arm), None)
        cart = self.cart if is_of_the_cart(point) else Cart()
        chance = shopping.clicking_chance(self.plan, offer, self.stage.goods, cart)
        if self.plan.clicking_luck < chance:
            events.append({**events[0], "event": "select_promotion"})
        return [{**event, "session_id": self.session} for event in events]

    def _saved(self, point: RunningPoint, choice: Choice) -> Decimal:
        offer = next((one for one in offers_of(point) if one.name == choice.arm), None)
        return shopping.saving(offer, self.cart)

    # -- ordering ---------------------------------------------------------------------------
    def _decide(self, code: str, saved: Decimal) -> None:
        chance = shopping.buying_chance(self.plan, self.cart, saved, self.stage.habits)
        if self.plan.buying_luck >= chance:
            return
        self.at += self.plan.pauses[-1]
        try:
            placed = self._order([code] if saved else [])
        except (OfferRefused, checkout.PriceRose):
            # Gone since it was offered: at the full price fewer buy.
            if self.plan.buying_luck >= shopping.buying_chance(
                self.plan, self.cart, NOTHING, self.stage.habits
            ):
                return
            placed = self._order([])
        except SoldOut:
            return
        self.done.ordered = True
        self.done.paid = placed.order.total
        self.done.taken_off = placed.order.discount
        self._tell(self._purchase(placed), trusted=True)

    def _order(self, codes: list[str]) -> Placed:
        shopper = self._shopper or shopper_of(self.person, cart=self.cart, at=self.at)
        cart = ShopsCart.objects.create()
        CartLine.objects.bulk_create(
            CartLine(cart=cart, product_id=good.pk, quantity=n) for good, n in self.plan.wanted
        )
        # Delivered before it is sold: simulated shoppers must not empty the shelves of the others.
        for good, n in self.plan.wanted:
            Product.objects.filter(pk=good.pk).update(stock=F("stock") + n)
        try:
            return place_order(
                cart=cart,
                checkout_key=uuid.uuid4(),
                user=None,
                address=address(f"shopper-{self.plan.number}"),
                codes=codes,
                redeem=partial(_redeem, shopper=shopper, at=self.at),
                at=self.at,
            )
        except Exception:
            for good, n in self.plan.wanted:
                Product.objects.filter(pk=good.pk).update(stock=F("stock") - n)
            raise
        finally:
            cart.delete()

    def _purchase(self, placed: Placed) -> dict[str, Any]:
        return {
            "event": "purchase",
            "event_time": placed.order.placed_at,
            "session_id": self.session,
            "order_id": placed.order.number,
            "currency": self.cart.currency,
            "items": [
                {
                    "item_id": str(line.product_id),
                    "quantity": line.quantity,
                    "value": str(line.total),
                }
                for line in placed.lines
            ],
        }


def _redeem(
    codes: Sequence[str], *, cart: ShopCart, order_ref: str, shopper: Shopper, at: datetime
) -> redeeming.Quote:
    return redeeming.redeem(
        priced(cart, shopper.channel), codes, shopper=shopper, order_ref=order_ref, at=at
    )


def address(name: str) -> Address:
    return Address("Simulated shopper", f"{name}@{DOMAIN}", "1 Nowhere Street", "00000", "Nowhere")
