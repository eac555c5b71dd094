"""Cart, checkout and confirmation."""

from __future__ import annotations

import uuid
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from engagement.shortcuts import OfferRefused, redeem_offer
from shop_demo import carts, deductions, signals
from shop_demo.checkout import EmptyCart, Placed, PriceRose, place_order
from shop_demo.forms import CheckoutForm, QuantityForm
from shop_demo.models import Cart, Order, OrderLine, Product

# The orders that this browser placed: a guest may look at them too.
SESSION_ORDERS = "orders"
# The code that was just refused, with the reason.
REFUSED_CODE = "refused_code"


@never_cache
@require_GET
def cart(request: HttpRequest) -> HttpResponse:
    lines = carts.lines_of(request)
    if lines:
        signals.cart_viewed.send(Cart, request=request, lines=lines)
    bill = deductions.bill(request, lines, at=timezone.now())
    return render(
        request,
        "shop_demo/cart.html",
        {
            "lines": lines,
            "bill": bill,
            "subtotal": bill.subtotal,
            "kept_codes": deductions.typed(request),
            # What was typed just now and does not count; told once.
            "refused_code": request.session.pop(REFUSED_CODE, None),
            "short": [line for line in lines if line.quantity > line.product.stock],
        },
    )


@require_POST
def add_to_cart(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    product = get_object_or_404(Product.objects.shown(), pk=pk)
    form = QuantityForm(request.POST)
    quantity = form.cleaned_data["quantity"] if form.is_valid() else 1
    try:
        carts.add(request, product, quantity)
        messages.success(request, _("%(product)s is in your cart.") % {"product": product.title})
    except carts.SoldOut as error:
        messages.warning(request, _sold_out(error))
    return _answer(request)


@require_POST
def set_cart_line(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    product = get_object_or_404(Product, pk=pk)
    form = QuantityForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Please give a number between 0 and 99."))
        return _answer(request)
    try:
        if carts.set_quantity(request, product, form.cleaned_data["quantity"]) == 0:
            messages.info(request, _("%(product)s was taken out.") % {"product": product.title})
    except carts.SoldOut as error:
        messages.warning(request, _sold_out(error))
    return _answer(request)


def _sold_out(error: carts.SoldOut) -> str:
    if not error.left:
        return _("%(product)s is sold out.") % {"product": error.product.title}
    return ngettext(
        "Only %(left)d of %(product)s is left.",
        "Only %(left)d of %(product)s are left.",
        error.left,
    ) % {"left": error.left, "product": error.product.title}


def _answer(request: HttpRequest) -> HttpResponse:
    """Go back to where the button was; a script gets the new count and what there is to say."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse(
            {
                "count": sum(line.quantity for line in carts.lines_of(request)),
                "messages": [
                    {"level": message.level_tag, "text": str(message)}
                    for message in messages.get_messages(request)
                ],
            }
        )
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return redirect(target)
    return redirect("cart")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def checkout(request: HttpRequest) -> HttpResponse:
    cart = carts.current(request)
    if request.method == "POST":
        form = CheckoutForm(request.POST)
        if form.is_valid():
            response = _place(request, cart, form)
            if response is not None:
                return response
    else:
        form = CheckoutForm(initial=_known(request, cart))
    lines = carts.lines_of(request)
    if not lines:
        return redirect("cart")
    if request.method != "POST":
        signals.checkout_begun.send(Cart, request=request, lines=lines)
    bill = deductions.bill(request, lines, at=timezone.now())
    return render(
        request,
        "shop_demo/checkout.html",
        {"form": form, "lines": lines, "bill": bill},
        status=200 if not form.is_bound else 422,
    )


def _known(request: HttpRequest, cart: Cart | None) -> dict[str, Any]:
    """Return what the form can be filled with: the address of the customer's last order here."""
    known: dict[str, Any] = {"checkout_key": cart.checkout_key if cart else uuid.uuid4()}
    if request.user.is_authenticated:
        last = Order.objects.filter(user=request.user).exclude(street="").first()
        if last is not None:
            for name in ("name", "email", "street", "postcode", "city"):
                known[name] = getattr(last, name)
    return known


def _place(request: HttpRequest, cart: Cart | None, form: CheckoutForm) -> HttpResponse | None:
    """Place the order and return where to go on, or None with the reason in the form."""
    key = form.cleaned_data["checkout_key"]
    earlier = Order.objects.filter(checkout_key=key, pk__in=_own_orders(request)).first()
    if earlier is not None:
        return redirect("confirmation", pk=earlier.pk)
    if cart is None:
        return redirect("cart")
    if form.cleaned_data["payment"] != "accepted":
        form.add_error("payment", _("The bank declined the payment. Nothing was ordered."))
        return None
    user = request.user if request.user.is_authenticated else None
    at, typed = timezone.now(), form.cleaned_data["coupon"].strip()
    try:
        placed = place_order(
            cart=cart,
            checkout_key=key,
            user=user,
            address=form.address(),
            codes=_codes(request, typed, at),
            redeem=partial(redeem_offer, request=request, at=at),
            expected=form.cleaned_data["expected"],
            at=at,
        )
    except EmptyCart:
        return redirect("cart")
    except carts.SoldOut as error:
        messages.warning(request, _sold_out(error))
        return redirect("cart")
    except deductions.CouponRefused as refusal:
        deductions.drop(request, str(refusal))
        form.add_error("coupon", _("This code does not count for you and this cart."))
        return None
    except OfferRefused as refusal:
        deductions.drop(request, refusal.offer_code or typed)
        form.add_error("coupon", str(refusal))
        return None
    except PriceRose:
        form.add_error(None, _("An offer has run out meanwhile. Please look at the total again."))
        return None
    deductions.drop(request)
    carts.forget(request)
    _tell(request, placed)
    return redirect("confirmation", pk=placed.order.pk)


def _codes(request: HttpRequest, typed: str, at: datetime) -> list[str]:
    """Return the codes of the session that count now, and what was typed on the last page."""
    bill = deductions.bill(request, carts.lines_of(request), at=at)
    kept = [code for code in deductions.typed(request) if bill.refusal(code) is None]
    return [*kept, *([typed] if typed else [])]


def _tell(request: HttpRequest, placed: Placed) -> None:
    own = [*_own_orders(request), str(placed.order.pk)]
    request.session[SESSION_ORDERS] = list(dict.fromkeys(own))[-20:]
    if placed.is_new:
        signals.order_placed.send(Order, request=request, order=placed.order, lines=placed.lines)


def _own_orders(request: HttpRequest) -> list[str]:
    return list(request.session.get(SESSION_ORDERS, []))


def get_own_order(request: HttpRequest, pk: uuid.UUID) -> Order:
    """Return an order that this visitor may see: of the account, or placed in this browser."""
    orders = Order.objects.all()
    if str(pk) not in _own_orders(request):
        user = request.user.pk if request.user.is_authenticated else None
        orders = orders.filter(user_id=user, user__isnull=False)
    return get_object_or_404(orders, pk=pk)


@never_cache
@require_GET
def confirmation(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    order = get_own_order(request, pk)
    lines: list[OrderLine] = list(order.lines.select_related("product__category__parent"))
    return render(
        request,
        "shop_demo/confirmation.html",
        {
            "order": order,
            "lines": lines,
            "products": [line.product for line in lines],
            "order_url": reverse("order", kwargs={"pk": order.pk}),
        },
    )
