"""What docs/adapters.md shows: FlexCommerce's own signals, told to the app."""

from django.dispatch import receiver
from flexcommerce_cart.signals import item_added, item_removed
from flexcommerce_engagement.services import refresh_rating
from flexcommerce_engagement.signals import product_viewed, wishlist_item_added
from flexcommerce_orders.signals import order_cancelled, order_confirmed, order_refunded

from engagement.shortcuts import current_request, receiver_guard, record_event, record_order


@receiver(product_viewed)
@receiver_guard
def viewed(product, user, **kwargs):
    record_event("view_item", request=current_request(), item=product)


@receiver(item_added)
@receiver_guard
def added(item, created, **kwargs):
    n = item.quantity if created else 1
    record_event("add_to_cart", request=current_request(), items=[(item.product, n)])


@receiver(item_removed)
@receiver_guard
def removed(item, **kwargs):
    line = (item.product, item.quantity)
    record_event("remove_from_cart", request=current_request(), items=[line])


@receiver(wishlist_item_added)
@receiver_guard
def wished(wishlist, item, **kwargs):
    record_event("add_to_wishlist", customer=wishlist.user_id, item=item.product)


@receiver([order_confirmed, order_cancelled, order_refunded])
def ordered(order, **kwargs):
    record_order(order)


def review_changed(review):
    """Count the stars again after a decision, as FlexCommerce's own moderation does."""
    refresh_rating(review.content_type, review.object_id)
