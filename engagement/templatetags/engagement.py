"""``{% load engagement %}``: shelves of recommended items for the shop's own templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from engagement.flows import faults, rendering
from engagement.flows.recommend import Shelf, recommend
from engagement.flows.rendering import keys_of
from engagement.flows.visit import person_of

register = template.Library()


@register.simple_tag(takes_context=True)
def recommendations(
    context: Context,
    placement: str,
    *,
    item: Any = None,
    cart: Any = None,
    exclude: Any = None,
    category: str = "",
    n: int | None = None,
) -> Shelf:
    """
    Return what fills a placement, for a template of the shop's own making::

        {% recommendations "product.similar" item=product n=6 as shelf %}
        {% for one in shelf %}{{ one.object }} {{ one.reasons.0.text }}{% endfor %}

    ``item``, ``cart`` and ``exclude`` take objects, keys, shelves or lists of them. The visitor
    is the request's; without a request in the context, popular items come back.
    """
    request = context.get("request")
    try:
        return recommend(
            placement=str(placement),
            person=person_of(request),
            at=timezone.now(),
            n=None if n in (None, "") else int(n),
            context=keys_of(item),
            cart=None if cart is None else keys_of(cart),
            exclude=keys_of(exclude),
            category=str(category or ""),
            request=request,
            whole_page=request is not None,
        )
    except Exception:
        faults.report(f"tag:{placement}", "The tag for %r cannot read its arguments", placement)
        return Shelf(str(placement))


@register.simple_tag(takes_context=True)
def recommendation_shelf(
    context: Context,
    placement: str,
    *,
    item: Any = None,
    cart: Any = None,
    exclude: Any = None,
    category: str = "",
    n: int | None = None,
    title: str = "",
    card: str = "",
    lazy: bool = False,
) -> SafeString:
    """
    Render a placement as a shelf, or nothing where nothing can be shown::

        {% recommendation_shelf "home.for_you" %}
        {% recommendation_shelf "product.similar" item=product n=4 card="shop/card.html" %}

    With ``lazy=True`` the page holds a placeholder and a script fetches the shelf when it comes
    into view: right for pages that a full-page cache keeps for everyone.
    """
    request = context.get("request")
    title, card = str(title or ""), str(card or "")
    if not lazy:
        shelf = recommendations(
            context,
            placement,
            item=item,
            cart=cart,
            exclude=exclude,
            category=category,
            n=n,
        )
        return rendering.render(shelf, request=request, title=title, card=card)
    try:
        return rendering.render_lazy(
            str(placement),
            request=request,
            n=None if n in (None, "") else int(n),
            context=keys_of(item),
            cart=keys_of(cart),
            category=str(category or ""),
            title=title,
            card=card,
            nonce=_nonce(context, request),
        )
    except Exception:
        faults.report(f"tag:{placement}", "The placeholder of %r cannot be drawn", placement)
        return mark_safe("")


def _nonce(context: Context, request: Any) -> str:
    """Return the page's CSP nonce: Django's own, or that of django-csp."""
    nonce = context.get("csp_nonce")
    if nonce is None:
        nonce = getattr(request, "csp_nonce", None)
    # Not by its truth: Django's nonce is false until somebody has asked for its text.
    return "" if nonce is None else str(nonce)
