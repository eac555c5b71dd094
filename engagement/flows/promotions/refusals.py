"""Why an offer does not count, for the program and, translated, for the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from engagement.flows.promotions import money
from engagement.models import Item

MOST_NAMES = 3

# By the code of the reason. What stands in braces is filled in by who refuses.
MESSAGES: Mapping[str, str | Promise] = {
    "unknown": _("We know no such code."),
    "not_yet": _("This offer has not begun yet."),
    "expired": _("This offer is over."),
    "paused": _("This offer is not available at the moment."),
    "foreign": _("This code belongs to another customer. If it is yours, sign in first."),
    "audience": _("This offer is not for you."),
    "used": _("You have used this offer already."),
    "cap": _("This offer is used up."),
    "budget": _("This offer is used up."),
    "currency": _("This offer counts in another currency."),
    "min_spend": _("Spend {amount} more, and this offer counts."),
    "pieces": _("Put {n} more of these in your cart, and this offer counts."),
    "items": _("This offer needs more in your cart: {items}."),
    "nothing": _("Nothing in your cart is part of this offer."),
    "not_combinable": _("This offer does not go together with “{other}”."),
    "too_often": _("Too many codes were tried. Please wait a while."),
    "kind": _("This shop cannot give this offer."),
}


class OfferRefused(Exception):
    """An offer does not count; ``code`` is the reason, the message is for the customer."""

    def __init__(self, code: str, *, offer_code: str = "", name: str = "", **parts: Any) -> None:
        super().__init__(message(code, **parts))
        self.code = code
        self.offer_code = offer_code
        self.name = name
        self.parts = parts


def message(code: str, **parts: Any) -> str:
    """Return the sentence for a reason in the active language."""
    return str(MESSAGES[code]).format(**parts)


def priced(amount: Decimal, currency: str) -> str:
    """Return money as a sentence says it: “3.20 EUR”, in the reader's way of writing numbers."""
    exact = money.rounded(amount, currency)
    places = -int(exact.as_tuple().exponent)
    return f"{number_format(exact, places, use_l10n=True)} {currency}".strip()


def titles(keys: Iterable[str], channel: str) -> str:
    """Return the names of items, as many as a sentence can bear."""
    wanted = list(keys)[:MOST_NAMES]
    rows = Item.objects.of_channel(channel).filter(key__in=wanted)
    known = dict(rows.values_list("key", "title"))
    return ", ".join(known.get(key) or key for key in wanted)
