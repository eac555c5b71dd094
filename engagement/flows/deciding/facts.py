"""What is known of a visitor at the moment of a decision, from what its place knows anyway."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import pairwise

from django.http import HttpRequest

from engagement.conf import app_settings
from engagement.flows.deciding.contexts import Facts, is_phone
from engagement.flows.promotions.shoppers import Shopper
from engagement.flows.serving.history import History
from engagement.flows.serving.visit import Visit
from engagement.models import EventName

DAY = 86_400
MONTH = 30 * DAY


def of_visit(visit: Visit) -> Facts:
    """
    Return what a shelf knows: the visitor's latest events, which it reads anyway.

    Without money: nothing that is asked of a shelf's visitor says what was paid.
    """
    return of_history(
        visit.history,
        at=visit.at,
        n_in_cart=len(visit.cart),
        on_phone=on_phone(visit.request),
    )


def of_history(
    history: History, *, at: datetime, n_in_cart: int = 0, on_phone: bool = False
) -> Facts:
    now = int(at.timestamp())
    pause = int(app_settings.SESSION_MINUTES) * 60
    lately = [past.moment for past in history.events if past.moment > now - MONTH]
    orders = {past.order_ref or str(past.moment): past.moment for past in history.purchases}
    categories = Counter(past.category.partition(" > ")[0] for past in history.events)
    categories.pop("", None)
    total = sum(categories.values())
    # Of the visit that is going on, nothing is ago.
    before = [past.moment for past in history.events if past.moment <= now - pause]
    return Facts(
        n_orders=len(orders),
        days_since_order=_days(max(orders.values(), default=None), now),
        days_since_visit=_days(max(before, default=None), now),
        n_sessions=_sessions(lately, pause),
        n_views=_views(history, now - MONTH),
        n_session_views=_views(history, now - pause),
        n_in_cart=n_in_cart,
        is_phone=on_phone,
        categories={name: n / total for name, n in categories.items()},
    )


def of_shopper(shopper: Shopper, request: HttpRequest | None = None) -> Facts:
    """Return what is known of whom an offer is thought about for: the profile, and the cart."""
    past, cart = shopper.profile, shopper.cart
    tastes: Counter[str] = Counter()
    for path, share in past.tastes.items():
        tastes[path.partition(" > ")[0]] += share
    return Facts(
        n_orders=past.n_orders,
        spent=float(past.spent),
        days_since_order=past.days_since_order,
        days_since_visit=past.days_since_visit,
        n_sessions=past.n_sessions_30d,
        n_views=past.n_views_30d,
        refund_share=past.refund_share,
        n_in_cart=sum(line.quantity for line in cart.lines),
        cart_value=float(cart.subtotal),
        is_phone=on_phone(request),
        categories={name: share / 10_000 for name, share in tastes.items()},
    )


def on_phone(request: HttpRequest | None) -> bool:
    return request is not None and is_phone(request.headers.get("User-Agent", ""))


def _days(moment: int | None, now: int) -> float | None:
    return None if moment is None else max(now - moment, 0) / DAY


def _views(history: History, since: int) -> int:
    return sum(past.event == EventName.VIEW_ITEM and past.moment > since for past in history.events)


def _sessions(moments: list[int], pause: int) -> int:
    """Return how many visits there were: a pause ends one."""
    ordered = sorted(moments)
    gaps = sum(later - earlier > pause for earlier, later in pairwise(ordered))
    return gaps + bool(ordered)
