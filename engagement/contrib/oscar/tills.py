"""What our offers take off a basket of Oscar's: asked by its applicator, used with its order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from oscar.apps.order.exceptions import UnableToPlaceOrder
from oscar.core.loading import get_class

from engagement.adapters import get_adapter
from engagement.contrib.oscar import vouchers
from engagement.contrib.oscar.proxies import WHERE
from engagement.flows import faults
from engagement.flows.collecting.identity import Person
from engagement.flows.promotions import checking, discounts, money, redeeming, running
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.pricing import Applied, Quote, quote
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper, priced, shopper_of
from engagement.flows.serving import caching
from engagement.flows.serving.visit import channel_of, person_of, person_of_customer
from engagement.shop_offers import ShopCart, ShopLine

# Elsewhere than at the till a basket shows what its offers came to a moment ago.
KEEP_SECONDS = 60.0
AT_THE_TILL = ("basket", "checkout")
NOTHING = Decimal(0)


def with_ours(found: list[Any], basket: Any, user: Any, request: HttpRequest | None) -> list[Any]:
    """
    Add to the offers that Oscar has found for a basket those of ours that need no code.

    No query where no offer of ours can count, nor where the basket was priced a moment ago and
    has none.
    """
    setattr(basket, WHERE, None)
    channel = channel_of(request)
    coded = [offer for offer in found if vouchers.is_ours(offer)]
    automatic = running.count_by_themselves(channel)
    if not coded and not automatic:
        return found
    till = Till(basket, user, request, coded)
    setattr(basket, WHERE, till)
    kept = till.kept
    if kept is not None:
        names = {one.name for one in kept}
        automatic = [offer for offer in automatic if offer.name in names]
    return found + vouchers.rows_of(automatic)


def cart_of(basket: Any) -> ShopCart:
    """
    Return a basket as offers see it, at the prices that the shop's own offers have left.

    Lines that may not be discounted, or that an exclusive offer of the shop's has taken, are no
    part of it.
    """
    lines = [
        ShopLine(get_adapter().item_key(line), _left(line) / line.quantity, line.quantity)
        for line in _open_lines(basket)
    ]
    return ShopCart(lines, str(basket.currency or ""))


def _open_lines(basket: Any) -> Iterator[Any]:
    for line in basket.all_lines():
        if not line.quantity or not line.product.get_is_discountable():
            continue
        if any(one.offer is None or one.offer.exclusive for one in _by_others(line)):
            continue
        yield line


def _by_others(line: Any) -> list[Any]:
    return [one for one in line.discounts if not vouchers.is_ours(one.offer)]


def _left(line: Any) -> Decimal:
    """Return what a line costs before offers of ours."""
    price = Decimal(line.unit_effective_price) * line.quantity
    return max(price - sum((one.amount for one in _by_others(line)), NOTHING), NOTHING)


class Till:
    """One basket, as its visitor sees it while one request is answered."""

    def __init__(
        self, basket: Any, user: Any, request: HttpRequest | None, coded: Sequence[Any] = ()
    ) -> None:
        self.basket = basket
        self.user = user
        self.request: HttpRequest | None = getattr(request, "_request", request)
        self.channel = channel_of(self.request)
        self.codes = [str(offer.get_voucher().code) for offer in coded if offer.get_voucher()]
        self._used_in = ""
        self._deliveries: dict[tuple[str, Decimal], Applied | None] = {}
        self._delivery: dict[str, Applied | None] = {}

    # -- what counts ------------------------------------------------------------------------
    def applied(self, offer: Any) -> Applied | None:
        """Return what an offer takes off; None where it does not count."""
        return self._by_slug.get(str(offer.slug))

    @cached_property
    def _by_slug(self) -> dict[str, Applied]:
        try:
            return {vouchers.slug_of(one.name): one for one in self._all()}
        except Exception:
            faults.report("oscar:offers", "A basket cannot be priced; it has no offers of ours")
            return {}

    def _all(self) -> Sequence[Applied]:
        if self.kept is not None:
            return self.kept
        with faults.contained():
            found = self._quote().applied
        caching.put(self._key, [asdict(one) for one in found], seconds=KEEP_SECONDS)
        return found

    def _quote(self) -> Quote:
        at = timezone.now()
        if self.request is not None and self.request.method == "POST" and self.codes:
            # Whoever types codes of others has to wait.
            address = checking.address_of(self.request)
            return checking.check(
                self.cart, self.codes, shopper=self.shopper, address=address, at=at
            )
        return quote(self.cart, self.codes, shopper=self.shopper, at=at)

    @cached_property
    def kept(self) -> list[Applied] | None:
        """What was worked out a moment ago for the same basket; None at the till."""
        where = getattr(self.request, "resolver_match", None)
        is_page = self.request is not None and self.request.method in ("GET", "HEAD")
        if not is_page or (where is not None and set(where.namespaces) & set(AT_THE_TILL)):
            return None
        found = caching.get(self._key)
        return None if found is None else [Applied(**one) for one in found]

    @cached_property
    def _key(self) -> str:
        lines = sorted(
            (line.product_id, line.quantity, str(line.unit_effective_price))
            for line in self.basket.all_lines()
        )
        offers = [offer.id for offer in running.count_by_themselves(self.channel)]
        keys = self.person.known_keys if self.person is not None else ()
        parts = repr((self.channel, keys, self.basket.pk, lines, self.codes, offers))
        return f"engagement:till:{hashlib.sha256(parts.encode()).hexdigest()}"

    @cached_property
    def person(self) -> Person | None:
        found = person_of(self.request)
        if found is None and self.user is not None and self.user.is_authenticated:
            return person_of_customer(str(self.user.pk), self.channel)
        return found

    @cached_property
    def cart(self) -> Cart:
        return priced(cart_of(self.basket), self.channel)

    @cached_property
    def shopper(self) -> Shopper:
        return shopper_of(self.person, request=self.request, cart=self.cart, at=timezone.now())

    # -- what is taken off ------------------------------------------------------------------
    def take_off(self, offer: Any) -> Decimal:
        """Take off the basket's lines what an offer comes to; return how much that is."""
        one = self.applied(offer)
        if one is None:
            return NOTHING
        lines = list(self.basket.all_lines())
        before = sum((part.amount for line in lines for part in _of(offer, line)), NOTHING)
        if before:
            # Oscar applies its offers anew without forgetting the last time.
            return before
        discount = get_class("offer.benefits", "apply_discount")
        taken = NOTHING
        for line, amount in list(self._shares(one)):
            discount(line, amount, line.quantity, offer)
            taken += amount
        return taken

    def _shares(self, one: Applied) -> Iterator[tuple[Any, Decimal]]:
        """Share out what an item's lines lose: variants and wishes of buyers make several."""
        unit = money.unit(self.cart.currency)
        lines = defaultdict(list)
        for line in _open_lines(self.basket):
            lines[get_adapter().item_key(line)].append(line)
        for key, amount in one.lines.items():
            rest = [int((_left(line) - _taken(line)) / unit) for line in lines[key]]
            for line, coins in zip(
                lines[key], discounts.shared(int(amount / unit), rest), strict=True
            ):
                if coins:
                    yield line, coins * unit

    def is_for_delivery(self, offer: Any) -> bool:
        one = self.applied(offer)
        return one is not None and one.kind == "free_shipping"

    def take_off_delivery(self, offer: Any, charge: Decimal) -> Decimal:
        """
        Return what an offer takes off a delivery that costs ``charge``; nothing where its budget
        cannot bear that. What was asked last is what the order will use.
        """
        slug = str(offer.slug)
        if (slug, charge) not in self._deliveries:
            self._deliveries[slug, charge] = self._delivered(slug, charge)
        one = self._delivery[slug] = self._deliveries[slug, charge]
        if one is None:
            return NOTHING
        # Nothing is left of a charge that has more places than can be paid.
        is_all = one.shipping == money.rounded(charge, self.cart.currency)
        return charge if is_all else min(one.shipping, charge)

    def _delivered(self, slug: str, charge: Decimal) -> Applied | None:
        cart = replace(self.cart, shipping=charge)
        try:
            with faults.contained():
                found = quote(cart, self.codes, shopper=self.shopper, at=timezone.now())
        except Exception:
            faults.report("oscar:offers", "A delivery cannot be priced; no offer of ours counts")
            return None
        mine = (one for one in found.applied if vouchers.slug_of(one.name) == slug)
        return next((one for one in mine if one.shipping), None)

    # -- what is used -----------------------------------------------------------------------
    def use(self, order: Any) -> None:
        """
        Note that an order has used the offers that its basket shows.

        Called inside the order's transaction, once for each offer. Raises UnableToPlaceOrder, with
        a sentence for the customer, where one has run out since: there is no order then, and the
        basket is as it was. If anything else fails, the order is worth more than our count.
        """
        number = str(order.number)
        if self._used_in == number:
            return
        shown = {str(row["offer"].slug) for row in self.basket.offer_applications}
        applied = tuple(self._to_use(shown))
        try:
            with faults.contained():
                redeeming.use(
                    Quote(self.cart, applied),
                    shopper=self.shopper,
                    order_ref=number,
                    at=timezone.now(),
                )
        except OfferRefused as refusal:
            raise UnableToPlaceOrder(str(refusal)) from refusal
        except Exception:
            faults.report("oscar:use", "The offers of order %s cannot be noted", number)
        self._used_in = number

    def _to_use(self, shown: Collection[str]) -> Iterator[Applied]:
        for slug, one in self._by_slug.items():
            if slug not in shown:
                continue
            if one.kind != "free_shipping":
                yield one
                continue
            # One that took nothing off, as nothing had to be paid, stays for another order.
            of_delivery = self._delivery.get(slug)
            if of_delivery is not None:
                yield of_delivery


def _of(offer: Any, line: Any) -> list[Any]:
    return [one for one in line.discounts if one.offer is not None and one.offer.pk == offer.pk]


def _taken(line: Any) -> Decimal:
    """Return what offers of ours have taken off a line by now."""
    mine = (one.amount for one in line.discounts if vouchers.is_ours(one.offer))
    return sum(mine, NOTHING)
