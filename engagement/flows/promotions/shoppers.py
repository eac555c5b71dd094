"""Who an offer is thought about for: the visitor, the past in numbers, and the cart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest
from django.utils.translation import get_language

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting import visitors
from engagement.flows.collecting.identity import Person
from engagement.flows.experiments import holdout
from engagement.flows.profiles.profile import STRANGER, Profile
from engagement.flows.profiles.reading import note_language, profile_of
from engagement.flows.promotions.carts import Cart, Line
from engagement.models import Item
from engagement.shop_offers import ShopCart


@dataclass(frozen=True)
class Shopper:
    """
    ``visitor_ids`` are all rows that are this person, none of somebody new or of whom nothing may
    be known; ``own_id`` is the one to store under, None where it is still to be made.
    """

    channel: str = ""
    person: Person | None = None
    visitor_ids: tuple[int, ...] = ()
    own_id: int | None = None
    profile: Profile = STRANGER
    cart: Cart = field(default_factory=Cart)
    language: str = ""
    is_held_out: bool = False

    @property
    def visitor_id(self) -> int | None:
        return self.own_id or next(iter(self.visitor_ids), None)

    @property
    def may_store(self) -> bool:
        """Whether something may be given to, and so stored of, this person."""
        return self.person is not None and self.person.may_store


def shopper_of(
    person: Person | None,
    *,
    request: HttpRequest | None = None,
    cart: Cart | ShopCart | None = None,
    at: datetime,
) -> Shopper:
    """
    Return who asks, in five queries at most: rows, profile, what happened since, tastes, items.

    ``cart`` is what the shop's adapter says about the request unless it is given. Categories of
    its lines come from the catalogue mirror where they are not there.
    """
    adapter = get_adapter()
    channel = person.channel if person is not None else adapter.get_channel(request)
    rows = _rows(person)
    ids = tuple(rows)
    own = person.keys[0] if person is not None and person.keys else ""
    profile = profile_of(ids, at=at, is_customer=person is not None and bool(person.customer_key))
    language = (get_language() or "").lower()
    if language and language != profile.language:
        if profile.is_made and request is not None and person is not None and person.may_store:
            note_language(ids, language)
        profile = replace(profile, language=language)
    return Shopper(
        channel=channel,
        person=person,
        visitor_ids=ids,
        own_id=next((pk for pk, key in rows.items() if key == own), None),
        profile=profile,
        cart=cart_of(request, cart, channel),
        language=language,
        is_held_out=holdout.is_held_out(person),
    )


def _rows(person: Person | None) -> dict[int, str]:
    """Return the keys of the person's rows by id; none of somebody who has not agreed."""
    if person is None or not person.may_store or not person.known_keys:
        return {}
    return dict(visitors.rows(person).order_by("pk").values_list("pk", "key"))


def cart_of(request: HttpRequest | None, cart: Cart | ShopCart | None, channel: str) -> Cart:
    """Return the cart that is given, else the one that the shop knows, in one query at most."""
    return priced(_cart(request) if cart is None else cart, channel)


def _cart(request: HttpRequest | None) -> Cart | ShopCart:
    if request is None:
        return ShopCart()
    adapter = get_adapter()
    try:
        with faults.contained():
            known = adapter.offers().cart(request)
            if known is not None:
                return known
            keys = adapter.cart_keys(request)
            return at_list_prices([(key, 1) for key in keys], adapter.get_channel(request))
    except Exception:
        faults.report("adapter.cart", "The shop's adapter cannot say what is in the cart")
        return ShopCart()


def at_list_prices(pieces: Iterable[tuple[str, int]], channel: str) -> Cart:
    """Return pieces of items as a cart, at the catalogue's prices; what has none is left out."""
    wanted = list(pieces)
    facts = _facts(channel, [key for key, _n in wanted])
    found = ((key, n, facts.get(key, NOTHING_KNOWN)) for key, n in wanted)
    return Cart.of(
        (Line(key, price, n, path) for key, n, (path, price) in found if price is not None),
        currency=app_settings.CURRENCY,
    )


def priced(cart: Cart | ShopCart, channel: str) -> Cart:
    """Return a cart of the shop's as offers see it, with the categories of its items."""
    if isinstance(cart, Cart):
        return cart
    facts = _facts(channel, [line.item_key for line in cart.lines])
    return Cart.of(
        (
            Line(
                line.item_key, line.price, line.quantity, facts.get(line.item_key, NOTHING_KNOWN)[0]
            )
            for line in cart.lines
        ),
        currency=cart.currency or app_settings.CURRENCY,
        shipping=cart.shipping,
    )


Facts = tuple[str, Decimal | None]
NOTHING_KNOWN: Facts = ("", None)


def _facts(channel: str, keys: list[str]) -> dict[str, Facts]:
    """Return category and price of items by key, from the mirror."""
    if not keys:
        return {}
    rows = Item.objects.of_channel(channel).filter(key__in=keys)
    found = rows.values_list("key", "category", "price")
    return {key: (category, price) for key, category, price in found}
