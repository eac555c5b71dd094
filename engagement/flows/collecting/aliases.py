"""What Segment, Google Retail, Snowplow and GA4 call our events and fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from engagement.models import EventName

# Written without regard to case, spaces, hyphens and underscores: "Product Viewed" is
# "productviewed", "detail-page-view" is "detailpageview", "trackProductView" "trackproductview".
_OTHER_NAMES: dict[EventName, str] = {
    EventName.VIEW_ITEM_LIST: """
        productlistviewed productlistfiltered
        categorypageview homepageview promotedproductsview
        trackproductlistview listview impression
    """,
    EventName.SELECT_ITEM: "productclicked trackproductlistclick listclick click",
    EventName.VIEW_ITEM: "productviewed detailpageview trackproductview productview view",
    EventName.SEARCH: "productssearched viewsearchresults tracksitesearch sitesearch",
    EventName.ADD_TO_WISHLIST: "productaddedtowishlist addtofavorites bookmark",
    EventName.ADD_TO_CART: "productadded trackaddtocart cartaddition",
    EventName.REMOVE_FROM_CART: "productremoved trackremovefromcart",
    EventName.VIEW_CART: "cartviewed shoppingcartpageview",
    EventName.BEGIN_CHECKOUT: "checkoutstarted trackcheckoutstep checkoutstep",
    EventName.PURCHASE: "ordercompleted purchasecomplete tracktransaction transaction",
    EventName.REFUND: "orderrefunded ordercancelled trackrefund",
    EventName.VIEW_PROMOTION: "promotionviewed trackpromotionview promoview",
    EventName.SELECT_PROMOTION: "promotionclicked trackpromotionclick promoclick",
    EventName.SUBMIT_REVIEW: "productreviewed reviewsubmitted",
    EventName.VOTE_REVIEW: "reviewvoted",
    EventName.HIDE_ITEM: "itemhidden",
}
_NOT_LETTERS = re.compile(r"[\s_\-]+")


def _plain(name: str) -> str:
    return _NOT_LETTERS.sub("", name).lower()


EVENT_NAMES: dict[str, EventName] = {
    **{_plain(event.code): event for event in EventName},
    **{name: event for event, names in _OTHER_NAMES.items() for name in names.split()},
}


def event_name(name: str) -> EventName | None:
    """Return the event that is called so here or elsewhere."""
    return EVENT_NAMES.get(_plain(name))


# Ours first. A dot goes into an object.
FIELDS: dict[str, tuple[str, ...]] = {
    "event": ("event", "event_name", "event_type", "eventType", "name"),
    "event_id": ("event_id", "eventId", "messageId", "message_id"),
    "event_time": ("event_time", "eventTime", "timestamp", "timestamp_micros", "event_timestamp"),
    "session_id": ("session_id", "sessionId", "ga_session_id"),
    "visitor_id": (
        "visitor_id",
        "visitorId",
        "anonymousId",
        "anonymous_id",
        "client_id",
        "user_pseudo_id",
    ),
    "customer_id": ("customer_id", "customerId", "userId", "user_id", "userInfo.userId"),
    "items": ("items", "products", "productDetails"),
    "item_id": ("item_id", "itemId", "product_id", "productId"),
    "quantity": ("quantity",),
    "price": ("price",),
    "index": ("index", "position", "rank"),
    "variant_id": ("variant_id", "variantId", "item_variant", "variant"),
    "title": ("title", "item_name", "product_name"),
    "value": ("value", "total", "revenue", "purchaseTransaction.revenue"),
    "currency": ("currency", "currencyCode", "purchaseTransaction.currencyCode"),
    "order_id": (
        "order_id",
        "orderId",
        "order_ref",
        "transaction_id",
        "transactionId",
        "ecommerce.transaction_id",
        "purchaseTransaction.id",
    ),
    "refund_id": ("refund_id", "refundId"),
    "query": ("query", "search_term", "searchQuery", "search_query"),
    "placement": ("placement", "item_list_id", "list_id"),
    "recommendation_id": (
        "recommendation_id",
        "recommendationId",
        "attribution_token",
        "attributionToken",
        "recommId",
    ),
    "promotion_id": ("promotion_id", "promotionId"),
}

# What an entry of ``items`` may call its parts.
LINE_FIELDS: dict[str, tuple[str, ...]] = {
    "item_id": ("item_id", "itemId", "id", "product_id", "productId", "product.id"),
    "quantity": ("quantity",),
    "price": ("price", "product.priceInfo.price"),
    "value": ("value",),
    "index": ("index", "position", "rank"),
    "variant_id": ("variant_id", "variantId", "item_variant", "variant"),
    "title": ("title", "item_name", "name", "product.title"),
}

# Where Segment and GA4 keep what we have at the top. An event's own name is never in there:
# Segment's ``properties.name`` is the product's.
CONTAINERS = ("properties", "params")


def find(
    payload: Mapping[str, Any], name: str, fields: Mapping[str, tuple[str, ...]] = FIELDS
) -> tuple[str, Any]:
    """
    Return a field as (the name the sender gave it, its value).

    Without one, the answer is (our name, None); so it is where the value is null.
    """
    for path in _paths(name, fields):
        value: Any = payload
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            return ".".join(path), value
    return name, None


def _paths(name: str, fields: Mapping[str, tuple[str, ...]]) -> Iterator[list[str]]:
    for alias in fields[name]:
        yield alias.split(".")
    if fields is FIELDS and name != "event":
        for container in CONTAINERS:
            for alias in fields[name]:
                yield [container, *alias.split(".")]
