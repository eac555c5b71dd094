"""``{% load shop %}``: prices, pictures and addresses for the shop's templates."""

from __future__ import annotations

from decimal import Decimal

from django import template
from django.template import Context
from django.utils.formats import number_format

from shop_demo.adapter import picture_url

register = template.Library()
register.filter("picture", picture_url)


@register.filter
def money(amount: Decimal | None) -> str:
    """Return ``3.5`` as ``$3.50``."""
    if amount is None:
        return ""
    return f"${number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)}"


@register.filter
def quantity_in(product_id: object, quantities: dict[object, int]) -> int:
    """Return how many of a product are in the cart."""
    return quantities.get(product_id, 0)


@register.simple_tag(takes_context=True)
def page_address(context: Context, number: int | str, query: str) -> str:
    """Return the address of another page of the same list."""
    return "?" + "&".join(part for part in (query, f"page={number}") if part)
