"""Signing in and out, and what a customer finds there."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth import get_user_model, login, logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shop_demo import carts, checkout, signals
from shop_demo.models import Coupon, Household, Order
from shop_demo.personas import BY_KEY, PERSONAS
from shop_demo.views.buy import get_own_order

ORDERS_PER_PAGE = 10


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and request.method != "POST":
        return redirect("account")
    form = AuthenticationForm(request, data=request.POST or None)
    # The households come first on this page; the cursor must not jump past them.
    form.fields["username"].widget.attrs.pop("autofocus", None)
    if request.method == "POST" and form.is_valid():
        return _enter(request, form.get_user())
    shown = {
        household.persona: household
        for household in Household.objects.exclude(persona="").select_related("user")
    }
    return render(
        request,
        "shop_demo/sign_in.html",
        {
            "form": form,
            "next": request.POST.get("next", request.GET.get("next", "")),
            "personas": [
                (persona, shown[persona.key]) for persona in PERSONAS if persona.key in shown
            ],
        },
        status=200 if not form.errors else 422,
    )


@require_POST
def sign_in_as(request: HttpRequest, number: int) -> HttpResponse:
    """Sign in as one of the households that are shown, without a password: a demonstration."""
    household = get_object_or_404(
        Household.objects.exclude(persona="").select_related("user"), number=number
    )
    if household.user.is_staff:
        # Nobody gets into the admin this way, whatever a household was made into.
        return redirect("sign_in")
    return _enter(request, household.user)


def _enter(request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
    anonymous = carts.current(request) if not request.user.is_authenticated else None
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    carts.hand_over(request, anonymous)
    messages.success(request, _("Welcome. The shelves are yours now."))
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return redirect(target)
    return redirect("home")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    carts.forget(request)
    messages.info(request, _("You are signed out."))
    return redirect("home")


@never_cache
@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    assert isinstance(request.user, get_user_model())  # noqa: S101 (login_required)
    household = Household.objects.filter(user=request.user).first()
    orders = Order.objects.filter(user=request.user).annotate(n_lines=Count("lines"))
    orders = orders.order_by("-placed_at", "pk")
    coupons = Coupon.objects.none()
    if household is not None:
        coupons = Coupon.objects.valid_for(household, timezone.now())
    return render(
        request,
        "shop_demo/account.html",
        {
            "household": household,
            "persona": BY_KEY.get(household.persona) if household else None,
            "orders": Paginator(orders, ORDERS_PER_PAGE).get_page(request.GET.get("page")),
            "coupons": coupons[:8],
        },
    )


@never_cache
@require_GET
def order(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    shown = get_own_order(request, pk)
    return render(
        request,
        "shop_demo/order.html",
        {
            "order": shown,
            "lines": shown.lines.select_related("product__category__parent"),
            "deductions": shown.deductions.all(),
            # Receipts of the source data are the past.
            "can_cancel": shown.checkout_key is not None and shown.status == Order.Status.PAID,
        },
    )


@require_POST
def cancel_order(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    shown = get_own_order(request, pk)
    lines = checkout.cancel(shown) if shown.checkout_key is not None else []
    if lines:
        signals.order_cancelled.send(Order, request=request, order=shown, lines=lines)
        messages.info(request, _("The order was cancelled, and your money is on its way."))
    return redirect("order", pk=shown.pk)
