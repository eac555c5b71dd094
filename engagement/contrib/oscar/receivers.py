"""
What happens in Oscar, told to `engagement`.

Oscar sends most of its signals with ``send``: an exception in a receiver would leave an order
that exists and a basket that can never be ordered again. No receiver raises, none touches the
database before the transaction has come through.
"""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_init, post_save
from django.http import HttpRequest
from oscar.apps.catalogue.reviews.signals import review_added
from oscar.apps.catalogue.signals import product_viewed
from oscar.apps.checkout.signals import post_checkout, start_checkout
from oscar.apps.order.signals import (
    order_line_status_changed,
    order_placed,
    order_status_changed,
)
from oscar.apps.search.signals import user_search

from engagement.contrib.oscar import baskets, freshness, opinions, orders, recommended
from engagement.contrib.oscar.lines import line_of
from engagement.contrib.oscar.waiting import after_commit
from engagement.current_request import current_request
from engagement.shortcuts import receiver_guard, record_event


@receiver_guard
def viewed(*, product: Any, request: HttpRequest, **kwargs: Any) -> None:
    # Oscar tells of a HEAD request as well: nobody has seen anything.
    if request.method == "GET":
        record_event("view_item", request=request, items=[line_of(product)])


@receiver_guard
def searched(*, sender: Any, user: Any, query: str, **kwargs: Any) -> None:
    # The signal carries no request; the view that sends it does.
    request = getattr(sender, "request", None) or current_request()
    if not query.strip():
        return
    if request is None:
        if user is not None and user.is_authenticated:
            record_event("search", customer=user.pk, query=query)
    elif request.GET.get("page", "1") == "1":
        # Who turns the page has not searched again.
        record_event("search", request=request, query=query)


@receiver_guard
def checkout_begun(*, request: HttpRequest, **kwargs: Any) -> None:
    """Tell of a begun checkout: once a basket, however often its visitor goes back and forth."""
    basket = getattr(getattr(request, "_basket_cache", None), "pk", None)
    name = "" if basket is None else f"checkout-{basket}"
    record_event("begin_checkout", request=request, event_id=name)


@after_commit
def wished(
    *, instance: Any, created: bool = False, request: HttpRequest | None = None, **kwargs: Any
) -> None:
    if not created or instance.product_id is None:
        return
    owner = instance.wishlist.owner_id
    is_owners = getattr(getattr(request, "user", None), "pk", None) == owner
    record_event(
        "add_to_wishlist",
        request=request if is_owners else None,
        customer="" if is_owners else owner,
        items=[line_of(instance.product)],
    )


# Without a sender, which is a view, an order or a creator of orders.
SIGNALS = (
    (product_viewed, viewed, "viewed"),
    (user_search, searched, "searched"),
    (start_checkout, checkout_begun, "checkout_begun"),
    (order_placed, orders.placed, "placed"),
    (order_placed, freshness.stock_taken, "stock_taken"),
    (post_checkout, orders.placed, "checked_out"),
    (order_status_changed, orders.order_changed, "order_changed"),
    (order_line_status_changed, orders.line_changed, "line_changed"),
    (review_added, opinions.added, "review_added"),
)
# Models of forks keep Oscar's labels.
OF_MODELS = (
    (post_init, "basket.Line", baskets.line_read),
    (post_save, "basket.Line", baskets.line_saved),
    (post_delete, "basket.Line", baskets.line_deleted),
    (post_save, "wishlists.Line", wished),
    (post_init, "reviews.ProductReview", opinions.review_read),
    (post_save, "reviews.ProductReview", opinions.review_saved),
    (post_delete, "reviews.ProductReview", opinions.review_deleted),
    (post_save, "reviews.Vote", opinions.voted),
    (post_save, "catalogue.Product", freshness.product_changed),
    (post_delete, "catalogue.Product", freshness.product_changed),
    (post_delete, "catalogue.Product", recommended.follow_deletion),
    *(
        (signal, part, freshness.part_changed)
        for signal in (post_save, post_delete)
        for part in ("partner.StockRecord", "catalogue.ProductImage")
    ),
)


def connect() -> None:
    for signal, receiver, name in SIGNALS:
        signal.connect(receiver, dispatch_uid=f"engagement.oscar.{name}")
    for signal, sender, receiver in OF_MODELS:
        name = f"engagement.oscar.{sender}.{receiver.__name__}"
        signal.connect(receiver, sender=sender, dispatch_uid=name)
