"""
What Oscar's rows name as their classes: a condition and a benefit that ask us.

They are no models: Oscar only ever makes one of a row's fields and calls it. So there is nothing
to migrate, and a shop that has taken the app out of INSTALLED_APPS finds offers that do nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.utils.translation import gettext as _
from oscar.core.loading import get_class

if TYPE_CHECKING:
    from engagement.contrib.oscar.tills import Till

WHERE = "_engagement_till"


def till_of(basket: Any) -> Till | None:
    """Return what our offers come to in a basket, where somebody has asked for it."""
    if not apps.is_installed("engagement.contrib.oscar"):
        return None
    found: Till | None = getattr(basket, WHERE, None)
    return found


class _Part:
    """Made by Oscar of the fields of a row."""

    proxy_class = ""
    range = None
    value = None

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    @property
    def description(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return ""

    def __str__(self) -> str:
        return self.name


class OfferCondition(_Part):
    """Whether an offer of ours counts for whoever fills a basket: whom it was given to, or all."""

    @property
    def name(self) -> str:
        return _("The customer has this offer")

    def is_satisfied(self, offer: Any, basket: Any) -> bool:
        till = till_of(basket)
        return till is not None and till.applied(offer) is not None

    def is_partially_satisfied(self, offer: Any, basket: Any) -> bool:
        return False

    def get_upsell_message(self, offer: Any, basket: Any) -> str:
        return ""

    def can_apply_condition(self, line: Any) -> bool:
        return True

    def consume_items(self, offer: Any, basket: Any, affected_lines: Any) -> None:
        """What is taken off a line consumes it already."""


class OfferBenefit(_Part):
    """Takes off what we have worked out, and notes with the order that the offer was used."""

    type = ""
    max_affected_items = None
    # What our offer takes off a delivery that costs so much, where it has said so of a basket.
    delivery: Callable[[Decimal], Decimal] | None = None

    @property
    def name(self) -> str:
        return _("What the campaign says")

    def apply(self, basket: Any, condition: Any, offer: Any, **kwargs: Any) -> Any:
        till = till_of(basket)
        if till is not None and till.is_for_delivery(offer):
            # Delivery is priced later, by asking the row's benefit, which Oscar makes anew of the
            # row's fields.
            offer.benefit.delivery = functools.partial(till.take_off_delivery, offer)
            return get_class("offer.results", "ShippingDiscount")()
        amount = Decimal(0) if till is None else till.take_off(offer)
        result = get_class("offer.results", "BasketDiscount")(amount)
        # Once a basket: it is all that there is to take off.
        result.is_final = True
        return result

    def apply_deferred(self, basket: Any, order: Any, application: Any) -> None:
        """Oscar asks inside the transaction that stores the order."""
        till = till_of(basket)
        if till is not None:
            till.use(order)

    def shipping_discount(self, charge: Decimal, currency: str | None = None) -> Decimal:
        return Decimal(0) if self.delivery is None else self.delivery(charge)

    def clean(self) -> None:
        """Nothing in the row can be wrong."""
