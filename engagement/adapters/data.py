"""What an adapter tells of the shop: products, orders and their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

# Stands before a guest's address in a customer id; never stored as it is.
GUEST = "email:"


@dataclass(frozen=True, slots=True)
class ItemData:
    """
    What the catalogue mirror keeps of one product. ``key`` is the shop's key as a string.

    Where a shop has several product models, ``item_type`` says which of them: the outside world
    then knows the item as ``phone:42``.
    """

    key: str
    title: str
    item_type: str = ""
    group_key: str = ""
    text: str = ""
    category: Sequence[str] = ()
    price: Decimal | None = None
    currency: str = ""
    image_url: str = ""
    url: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_active: bool = True
    is_available: bool = True

    @property
    def item_key(self) -> str:
        """Return the key that ``ShopAdapter.item_key`` gives for the product."""
        return typed_key(self.item_type, self.key)


@dataclass(frozen=True, slots=True)
class LineData:
    """
    One line of a past order; ``value`` is the money paid for the whole line.

    ``item_key`` is the product that shelves show, ``variant_id`` which variant of it was bought.
    """

    item_key: str
    quantity: int = 1
    value: Decimal | None = None
    line_ref: str = ""
    variant_id: str = ""


@dataclass(frozen=True, slots=True)
class OrderData:
    """
    A past order. ``customer`` is the shop's customer id; a guest's is :func:`guest`, or empty.
    """

    order_ref: str
    placed_at: datetime
    lines: Sequence[LineData]
    customer: str = ""
    currency: str = ""
    is_test: bool = False
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class ActivityData:
    """
    Something that the shop itself has noted down of a customer: an item seen, words searched for.

    ``event`` is ``view_item``, ``search`` or another of our names, ``ref`` the shop's key of the
    note: with the event it means this note and no other.
    """

    event: str
    at: datetime
    customer: str
    ref: str
    item_key: str = ""
    variant_id: str = ""
    query: str = ""


@dataclass(frozen=True, slots=True)
class PageData:
    """
    A page of the shop that ``engagement_check`` fetches, and the placements that belong on it.

    ``prepare`` is given Django's test client before, to sign somebody in or fill a cart; whatever
    it changes in the database is rolled back afterwards.
    """

    path: str
    placements: Sequence[str] = ()
    prepare: Callable[[Any], object] | None = None


def typed_key(item_type: str, key: str) -> str:
    """Return the key that the outside world uses: with the type before it, where there is one."""
    return f"{item_type}:{key}" if item_type else key


def guest(email: object) -> str:
    """
    Return the customer id of somebody who is known by an e-mail address alone, "" without one.

    The same for every order of the same address. The app stores no customer id, only its HMAC.
    """
    address = str(email or "").strip().casefold()
    return f"{GUEST}{address}" if address else ""


def is_guest(customer: str) -> bool:
    """Return whether a customer id is nobody's account."""
    return not customer or customer.startswith(GUEST)
