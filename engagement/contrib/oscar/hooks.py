"""
Two places in which Oscar wants a fork of its apps to say something: which offers are looked at
beside the shop's own, and which voucher a typed code means.

The methods are wrapped on whichever class the project uses, so that nothing has to be forked.
What fails here costs our offers, never the basket.
"""

from __future__ import annotations

import functools
from typing import Any

from django.http import HttpRequest
from oscar.core.loading import get_class

from engagement.adapters import get_adapter
from engagement.contrib.oscar import tills, vouchers
from engagement.contrib.oscar.offers import OscarOffers
from engagement.current_request import current_request
from engagement.flows import faults
from engagement.flows.serving.visit import channel_of

MARK = "_engagement"


def connect() -> None:
    _wrap(get_class("offer.applicator", "Applicator"), "get_offers", _offers)
    _wrap(get_class("basket.forms", "BasketVoucherForm"), "clean_code", _code)


def _wrap(owner: type, name: str, around: Any) -> None:
    inner = getattr(owner, name)
    if hasattr(inner, MARK):
        return

    @functools.wraps(inner)
    def outer(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = inner(self, *args, **kwargs)
        try:
            with faults.contained():
                if isinstance(get_adapter().offers(), OscarOffers):
                    return around(found, *args, **kwargs)
        except Exception:
            faults.report(f"oscar:{name}", "Offers of ours are left out (%s)", name)
        return found

    setattr(outer, MARK, True)
    setattr(owner, name, outer)


def _offers(
    found: Any, basket: Any, user: Any = None, request: HttpRequest | None = None
) -> list[Any]:
    return tills.with_ours(list(found), basket, user, request or current_request())


def _code(found: str) -> str:
    return vouchers.meant(found, channel_of(current_request()))
