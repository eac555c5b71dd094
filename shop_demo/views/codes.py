"""Codes in the cart: typed or taken from an offer with one click, and taken out again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shop_demo import carts, deductions
from shop_demo.forms import CodeForm
from shop_demo.views.buy import REFUSED_CODE


@require_POST
def add_code(request: HttpRequest) -> HttpResponse:
    """
    Keep a code if it counts for the cart as it is; otherwise say why not.

    A code that only lacks something in the cart is kept as well: it counts once that is there.
    """
    form = CodeForm(request.POST)
    if not form.is_valid():
        messages.warning(request, _("Please enter a code."))
        return _back(request)
    code = form.cleaned_data["code"]
    lines = carts.lines_of(request)
    refused = deductions.bill(request, lines, at=timezone.now(), also=[code]).refusal(code)
    if refused is None:
        deductions.keep(request, code)
        messages.success(request, _("The code counts."))
        return _back(request)
    if refused.reason in deductions.WAITING:
        deductions.keep(request, code)
    request.session[REFUSED_CODE] = [code, refused.message]
    return _back(request)


@require_POST
def drop_code(request: HttpRequest) -> HttpResponse:
    deductions.drop(request, request.POST.get("code", ""))
    return redirect("cart")


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        return redirect(target)
    return redirect(reverse("cart") + "#code")
