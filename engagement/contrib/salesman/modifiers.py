"""What is taken off Salesman's baskets: offers of campaigns, and a discount for one customer."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.module_loading import import_string
from salesman.basket.modifiers import BasketModifier

from engagement.conf import app_settings
from engagement.contrib.salesman import offers
from engagement.flows import faults

CENT = Decimal("0.01")
Discount = Callable[[Any, HttpRequest], tuple[str, Decimal] | None]


class CampaignOffers(BasketModifier):
    """
    Take off a basket what campaigns promise its visitor: by the codes in ``basket.extra["codes"]``,
    and without one.

    Each offer is a row; a code that does not count is a row of 0.00 that says why. What fails costs
    the offers and a line in the log, not the basket.
    """

    identifier = offers.IDENTIFIER

    def process_basket(self, basket: Any, request: HttpRequest) -> None:
        try:
            with faults.contained():
                found = offers.price(basket, request)
        except Exception:
            faults.report("basket-offers", "A basket cannot be priced; it has no offers")
            return
        if found is None:
            return
        for n, one in enumerate(found.applied, start=1):
            amount = min(one.discount, Decimal(basket.total))
            said = {"code": one.shown_code, "name": one.name}
            row = f"{self.identifier}-{n}"
            self.add_extra_row(basket, request, one.title, -amount, extra=said, identifier=row)
        for n, refused in enumerate(found.refused, start=1):
            said = {"code": refused.shown_code, "reason": refused.reason}
            row = f"{self.identifier}-refused-{n}"
            self.add_extra_row(
                basket, request, refused.message, Decimal(0), extra=said, identifier=row
            )


class PersonalDiscount(BasketModifier):
    """
    Take off a basket what ``ENGAGEMENT["BASKET_DISCOUNT"]`` says: a function of basket and request
    that returns a label and an amount above zero, or None.

    Never more than the basket costs. A function that fails, or answers with anything else, costs
    the discount and a line in the log, not the basket.
    """

    identifier = "engagement-discount"

    def process_basket(self, basket: Any, request: HttpRequest) -> None:
        try:
            with faults.contained():
                found = _discount(basket, request)
        except Exception:
            faults.report("basket-discount", "A basket's discount cannot be told")
            return
        if found is not None:
            label, amount = found
            self.add_extra_row(basket, request, label, -amount)


def _discount(basket: Any, request: HttpRequest) -> tuple[str, Decimal] | None:
    given = app_settings.BASKET_DISCOUNT
    if not given:
        return None
    ask: Discount = import_string(given) if isinstance(given, str) else given
    answer = ask(basket, request)
    if answer is None:
        return None
    label, said = answer
    if isinstance(said, float):
        raise TypeError(f"An amount of money is a Decimal, not {said!r}.")
    amount = min(Decimal(said).quantize(CENT, ROUND_HALF_UP), Decimal(basket.total))
    return (str(label), amount) if amount > 0 else None
