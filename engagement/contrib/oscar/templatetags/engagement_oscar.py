"""``{% load engagement_oscar %}``: what Oscar's pages know, in the app's words."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from engagement.flows import faults
from engagement.flows.deciding import cards
from engagement.flows.deciding.asking import offer_for

register = template.Library()


@register.simple_tag
def oscar_category_path(category: Any) -> str:
    """Return a category of Oscar's as the path that the mirror keeps: ``Demo > Mugs``."""
    try:
        return " > ".join(str(one.name) for one in category.get_ancestors_and_self())
    except Exception:
        faults.report("oscar:category", "The path of a category cannot be told")
        return ""


@register.simple_tag
def oscar_found(page: Any) -> list[str]:
    """Return the keys of what a page of search results shows, to be left out of its shelf."""
    try:
        return [str(result.pk) for result in page.object_list]
    except Exception:
        faults.report("oscar:found", "What a search has found cannot be told")
        return []


@register.filter
def oscar_has_code(basket: Any, code: str) -> bool:
    """Return whether a basket has the voucher of a code already."""
    try:
        return bool(code) and basket.pk is not None and bool(basket.contains_voucher(code))
    except Exception:
        faults.report("oscar:code", "The vouchers of a basket cannot be told")
        return False


@register.simple_tag(takes_context=True)
def oscar_offer(context: Context, placement: str) -> SafeString:
    """Render the offer of a place; nothing where nobody has made it a decision point."""
    request = context.get("request")
    choice = offer_for(placement, request=request, at=timezone.now())
    return mark_safe("") if choice is None else cards.render(choice, request=request)
