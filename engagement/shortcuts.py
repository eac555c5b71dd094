"""What a shop's own code calls."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from asgiref.sync import sync_to_async
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from engagement.adapters import get_adapter, guest
from engagement.current_request import current_request
from engagement.flows import faults
from engagement.flows.collecting import recording, shop_orders, visitors
from engagement.flows.collecting.exporting import export
from engagement.flows.collecting.guard import after_commit, receiver_guard
from engagement.flows.collecting.privacy import answer as set_consent
from engagement.flows.collecting.privacy import erase
from engagement.flows.deciding.asking import offer_for
from engagement.flows.deciding.choosing import Choice
from engagement.flows.importing import catalogue
from engagement.flows.promotions import checking, redeeming, running
from engagement.flows.promotions.carts import Cart
from engagement.flows.promotions.pricing import Quote
from engagement.flows.promotions.refusals import OfferRefused
from engagement.flows.promotions.shoppers import Shopper, cart_of, shopper_of
from engagement.flows.reviews import ratings
from engagement.flows.reviews import submit as submitting
from engagement.flows.reviews.authors import MayNotWrite, author_of, author_of_customer
from engagement.flows.reviews.drafts import Invalid as InvalidReview
from engagement.flows.reviews.ratings import Summary
from engagement.flows.reviews.submit import AlreadyReviewed
from engagement.flows.serving.recommend import Shelf
from engagement.flows.serving.recommend import recommend as fill
from engagement.flows.serving.rendering import keys_of
from engagement.flows.serving.rerank import RESULTS
from engagement.flows.serving.rerank import rerank as in_order
from engagement.flows.serving.visit import person_of, person_of_customer
from engagement.models import Item, Review
from engagement.shop_offers import ShopCart, ShopLine

__all__ = [
    "AlreadyReviewed",
    "InvalidReview",
    "MayNotWrite",
    "OfferRefused",
    "Quote",
    "ShopCart",
    "ShopLine",
    "after_commit",
    "arecord_event",
    "check_offer",
    "choose_promotion",
    "current_request",
    "erase",
    "export",
    "guest",
    "receiver_guard",
    "recommend",
    "record_event",
    "record_order",
    "redeem_offer",
    "rerank",
    "reverse_offer",
    "review_summary",
    "set_consent",
    "signed_in",
    "signed_out",
    "similar_items",
    "submit_review",
]


@receiver_guard
def record_event(
    event: str,
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    item: object = None,
    items: Iterable[object] = (),
    quantity: int | None = None,
    value: Decimal | float | None = None,
    currency: str = "",
    order_ref: str = "",
    refund_ref: str = "",
    query: str = "",
    at: datetime | None = None,
    event_id: str = "",
    session_id: str = "",
    recommendation_id: str = "",
    promotion_id: str = "",
    rank: int | None = None,
    channel: str | None = None,
) -> None:
    """
    Record that something happened; never raises, never waits, never breaks the shop's transaction.

    Say who did it by ``request`` or, where there is none, by ``customer`` (the shop's customer
    id). Items are the shop's own objects or their keys; for an order, tuples (item, quantity,
    value of the line)::

        record_event("view_item", request=request, item=product)
        record_event("purchase", request=request, order_ref=order.number, currency="EUR",
                     items=[(line.product, line.quantity, line.total) for line in lines])

    Nothing reaches the database before the running transaction has come through; if it is rolled
    back, nothing happened. Nothing is stored of visitors who have not agreed, of the shop's own
    staff, of robots and of pages that a browser loads ahead. What cannot be stored is told in the
    log ``engagement.receivers``.
    """
    if recording.is_prefetch(request):
        return
    entries = [*items]
    if item is not None:
        entries.insert(0, {"item": item, "quantity": quantity, "value": value, "index": rank})
    lines, objects = recording.read_items(entries)
    fields = {
        "value": value,
        "currency": currency or None,
        "order_id": str(order_ref or "") or None,
        "refund_id": str(refund_ref or "") or None,
        # What people type is theirs to choose; only its beginning is kept.
        "query": " ".join(str(query or "").split())[:200] or None,
        "event_id": event_id or None,
        "session_id": session_id or None,
        "promotion_id": promotion_id or None,
        "quantity": quantity,
    }
    report = recording.Report(
        event=event,
        at=at or timezone.now(),
        lines=lines,
        fields={name: part for name, part in fields.items() if part is not None},
        request=getattr(request, "_request", request),
        customer="" if customer is None else str(customer),
        channel=channel,
        recommendation_id=recommendation_id,
        objects=objects,
    )
    transaction.on_commit(partial(recording.record, report), robust=True)


arecord_event = sync_to_async(record_event)


@receiver_guard
def record_order(
    order: object, *, request: HttpRequest | None = None, channel: str | None = None
) -> None:
    """
    Record one of the shop's own orders as its adapter describes it; never raises.

    A placed order is a purchase, a cancelled one takes back what was recorded of it. Told as often
    as the shop likes, by a signal, a webhook and the back-fill, it counts once::

        @receiver(order_confirmed)
        def confirmed(order, **kwargs):
            record_order(order)

    Nothing is asked or written before the running transaction has come through. A request (by
    default the one being answered) counts only if it is the buyer's own; otherwise the order's
    customer does, or the HMAC of a guest's e-mail address.
    """
    request = getattr(request, "_request", request) or current_request()
    shop_orders.follow_order(order, at=timezone.now(), request=request, channel=channel)


def signed_in(request: HttpRequest) -> None:
    """
    Tell that somebody has signed in, where customers are not Django's users; never raises.

    What was done under the cookie before becomes the customer's. Django's own sign-in tells itself.
    """
    visitors.follow_sign_in(request=getattr(request, "_request", request))


def signed_out(request: HttpRequest) -> None:
    """Tell that somebody has signed out: who comes next at this device may be another."""
    visitors.follow_sign_out(request=getattr(request, "_request", request))


def recommend(
    placement: str,
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    item: object = None,
    cart: object = None,
    exclude: object = None,
    category: str = "",
    n: int | None = None,
    explain: bool = False,
    channel: str | None = None,
) -> Shelf:
    """
    Return what fills a placement; never raises.

    For whom is said by ``request`` or, where there is none (an e-mail, a job), by ``customer``;
    without both, popular items come back. ``item``, ``cart`` and ``exclude`` take the shop's own
    objects, their keys, shelves, or lists of them::

        shelf = recommend("cart.complete_the_set", request=request, cart=cart.products(), n=4)
        [item.object for item in shelf]
    """
    try:
        person = person_of(request)
        if customer:
            channel = get_adapter().get_channel(request) if channel is None else channel
            person = person_of_customer(str(customer), channel)
        return fill(
            placement=placement,
            person=person,
            at=timezone.now(),
            n=n,
            context=keys_of(item),
            cart=None if cart is None else keys_of(cart),
            exclude=keys_of(exclude),
            category=category,
            request=request,
            explain=explain,
        )
    except Exception:
        faults.report(f"shortcut:{placement}"[:80], "The shelf %r cannot be filled", placement)
        return Shelf(placement)


def choose_promotion(placement: str, *, request: HttpRequest | None = None) -> Choice:
    """
    Return the offer of a place for whoever sends ``request``; false where there is none.

    It has ``title``, ``text``, ``button``, ``url``, ``picture``, ``code``, ``expires_at``,
    ``terms``, and ``token``, which goes back with what was seen and clicked. Never raises::

        offer = choose_promotion("cart.offer", request=request)
        if offer:
            show(offer.title, offer.code)
    """
    return offer_for(placement, request=request, at=timezone.now()) or Choice(placement)


def similar_items(item: object, *, n: int = 6, request: HttpRequest | None = None) -> list[Any]:
    """Return the shop's objects most like ``item``, as the placement ``product.similar`` says."""
    return recommend("product.similar", request=request, item=item, n=n).objects


def submit_review(
    *,
    item: object,
    rating: int,
    body: str,
    title: str = "",
    author_name: str = "",
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    order_ref: str = "",
    pictures: Iterable[Any] = (),
    source: str = Review.Source.CODE,
    at: datetime | None = None,
    channel: str | None = None,
) -> Review:
    """
    Store a review from the shop's own form or import, and have it read at once.

    Say who wrote it by ``request`` or ``customer``. Unlike :func:`record_event` this raises, for
    the author has to be told: InvalidReview (``faults`` by field), AlreadyReviewed (``review`` is
    the one there is) or MayNotWrite (``code``). The status of what comes back says whether it is
    published::

        try:
            review = submit_review(request=request, item=product, rating=5, body="Fresh!")
        except InvalidReview as invalid:
            form.errors.update(invalid.messages)
    """
    at = at or timezone.now()
    if channel is None:
        channel = get_adapter().get_channel(request)
    author = (
        author_of_customer(str(customer), channel)
        if customer or request is None
        else author_of(request)
    )
    key = get_adapter().item_key(item)
    row = Item.objects.of_channel(channel).filter(key=key).first()
    if row is None:
        title_of = "" if isinstance(item, str) else str(item)
        ids = catalogue.ensure_items(channel, {key: title_of or key}, at)
        row = Item.objects.get(pk=ids[key])
    return submitting.submit(
        {"rating": rating, "title": title, "body": body, "author_name": author_name},
        author=author,
        item=row,
        at=at,
        source=source,
        order_ref=order_ref,
        files=pictures,
    )


def review_summary(item: object, *, channel: str | None = None) -> Summary:
    """Return how an item's published stars add up: ``average``, ``n_total``, ``histogram`` …"""
    if channel is None:
        channel = get_adapter().get_channel()
    key = get_adapter().item_key(item)
    found = Item.objects.of_channel(channel).filter(key=key).values_list("pk", flat=True).first()
    return ratings.NOTHING if found is None else ratings.summary(found)


def rerank(
    items: Iterable[Any],
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    placement: str = RESULTS,
    strength: float = 0.5,
) -> list[Any]:
    """
    Return the shop's own results in the order that suits the visitor; never raises.

    The same objects (or keys) come back, each as often as it was given: which of them match is the
    shop's to say. ``strength`` 0 keeps the order, 1 goes by the visitor's taste alone::

        results = rerank(search(query)[:50], request=request)
    """
    given = list(items)
    try:
        person = person_of(request)
        if customer:
            person = person_of_customer(str(customer), get_adapter().get_channel(request))
        keys = [get_adapter().item_key(item) for item in given]
        order = in_order(
            keys=keys,
            person=person,
            at=timezone.now(),
            placement=placement,
            strength=strength,
            request=request,
        )
        ranks = {one.key: one.rank for one in order.items}
        places = sorted(range(len(given)), key=lambda place: ranks[keys[place]])
        return [given[place] for place in places]
    except Exception:
        faults.report(f"shortcut:{placement}"[:80], "A list cannot be put into order; it stays")
        return given


def check_offer(
    codes: Iterable[str] = (),
    *,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    cart: ShopCart | None = None,
    channel: str | None = None,
) -> Quote:
    """
    Return what offers take off a cart: the ``codes`` that were typed and what needs none; never
    raises.

    ``cart`` is what the shop's adapter says about the request unless it is given. Nothing is
    promised: :func:`redeem_offer` decides when the order is placed::

        quote = check_offer(["SPRING-26"], request=request)
        quote.subtotal, quote.discount, quote.total
        quote.applied, quote.refused        # each refusal has a ``message`` for the customer
    """
    given = list(codes)
    try:
        if channel is None:
            channel = get_adapter().get_channel(request)
        with faults.contained():
            goods = cart_of(request, cart, channel)
            if not given and not running.count_by_themselves(channel):
                return Quote(goods)
            return checking.check(
                goods,
                given,
                shopper=_shopper(request, customer, goods, channel),
                address=checking.address_of(request),
                at=timezone.now(),
            )
    except Exception:
        faults.report("offers:check", "A cart cannot be priced; it has no offers")
        return Quote()


def redeem_offer(
    codes: Iterable[str] = (),
    *,
    order_ref: str,
    request: HttpRequest | None = None,
    customer: str | int | None = "",
    cart: ShopCart | None = None,
    channel: str | None = None,
    at: datetime | None = None,
) -> Quote:
    """
    Use offers in an order; return what was taken off.

    Call it inside the transaction that stores the order, with the cart that is ordered. Raises
    OfferRefused (``code``, and a message for the customer) for the first code that does not count;
    nothing of it has happened then, and the order should not be stored either::

        with transaction.atomic():
            quote = redeem_offer(codes, request=request, cart=cart, order_ref=order.number)
            order.discount = quote.discount
    """
    shopper = _shopper(request, customer, cart, channel)
    return checking.redeem(
        shopper.cart,
        list(codes),
        shopper=shopper,
        order_ref=str(order_ref),
        address=checking.address_of(request),
        at=at or timezone.now(),
    )


def reverse_offer(order_ref: str, *, channel: str | None = None, at: datetime | None = None) -> int:
    """
    Take back what a cancelled order used: budgets get their money, codes count again; never
    raises. Return how many offers that were, 0 the second time.
    """
    try:
        with faults.contained():
            if channel is None:
                channel = get_adapter().get_channel()
            return redeeming.reverse(
                channel=channel, order_ref=str(order_ref), at=at or timezone.now()
            )
    except Exception:
        faults.report("offers:reverse", "The offers of order %s cannot be taken back", order_ref)
        return 0


def _shopper(
    request: HttpRequest | None,
    customer: str | int | None,
    cart: Cart | ShopCart | None,
    channel: str | None,
) -> Shopper:
    plain = getattr(request, "_request", request)
    person = person_of(plain)
    if customer:
        channel = get_adapter().get_channel(plain) if channel is None else channel
        person = person_of_customer(str(customer), channel)
    return shopper_of(person, request=plain, cart=cart, at=timezone.now())
