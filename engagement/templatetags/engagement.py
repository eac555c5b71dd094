"""``{% load engagement %}``: shelves of recommended items for the shop's own templates."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from engagement import shortcuts
from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting import consent
from engagement.flows.serving import rendering, witness
from engagement.flows.serving.recommend import Shelf, recommend
from engagement.flows.serving.rendering import keys_of
from engagement.flows.serving.rerank import RESULTS
from engagement.flows.serving.visit import person_of
from engagement.templatetags.nonces import nonce_of

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
    explain: bool = False,
) -> Shelf:
    """
    Return what fills a placement, for a template of the shop's own making::

        {% recommendations "product.similar" item=product n=6 as shelf %}
        {% for one in shelf %}{{ one.object }} {{ one.reasons.0.text }}{% endfor %}

    ``item``, ``cart`` and ``exclude`` take objects, keys, shelves or lists of them. With
    ``explain=True`` the items' ``reasons`` are all that adds up to their scores. The visitor is
    the request's; without a request in the context, popular items come back.
    """
    request = context.get("request")
    try:
        shelf = recommend(
            placement=str(placement),
            person=person_of(request),
            at=timezone.now(),
            n=None if n in (None, "") else int(n),
            context=keys_of(item),
            cart=None if cart is None else keys_of(cart),
            exclude=keys_of(exclude),
            category=str(category or ""),
            request=request,
            explain=bool(explain),
            whole_page=request is not None,
        )
    except Exception:
        faults.report(f"tag:{placement}", "The tag for %r cannot read its arguments", placement)
        shelf = Shelf(str(placement))
    witness.note(shelf.placement, len(shelf))
    return shelf


@register.simple_tag(takes_context=True)
def rerank(
    context: Context, items: Any, *, placement: str = RESULTS, strength: float = 0.5
) -> list[Any]:
    """
    Return the shop's own results in the order that suits the visitor::

        {% rerank results as results %}
        {% rerank page.object_list strength=0.3 as products %}

    Give it what the page shows: of a queryset, all rows are read.
    """
    return shortcuts.rerank(
        items, request=context.get("request"), placement=str(placement), strength=strength
    )


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
            nonce=nonce_of(context, request),
        )
    except Exception:
        faults.report(f"tag:{placement}", "The placeholder of %r cannot be drawn", placement)
        return mark_safe("")


@register.inclusion_tag("engagement/tracker.html", takes_context=True)
def engagement_tracker(context: Context, *, item: Any = None) -> dict[str, Any]:
    """
    Load the script that reports what is seen and clicked; once a page, anywhere in it::

        {% engagement_tracker %}
        {% engagement_tracker item=product %}

    With ``item``, the page counts as a view of that item. What is rendered is the same for
    everyone, so that a full-page cache may keep it.
    """
    try:
        return {
            "events_url": reverse("engagement:events"),
            "consent": app_settings.CONSENT,
            "consent_cookie": app_settings.CONSENT_COOKIE,
            "respect_gpc": app_settings.RESPECT_GPC,
            "session_minutes": app_settings.SESSION_MINUTES,
            "item_key": "" if item in (None, "") else get_adapter().item_key(item),
            "nonce": nonce_of(context, context.get("request")),
        }
    except Exception:
        faults.report("tag:tracker", "The tracker cannot be put on the page")
        return {}


@register.inclusion_tag("engagement/consent.html", takes_context=True)
def engagement_consent(context: Context, *, always: bool = False) -> dict[str, Any]:
    """
    Ask the visitor whether the shop may remember what is looked at, until there is an answer::

        {% engagement_consent %}
        {% engagement_consent always=True %}

    With ``always=True`` the question stays and shows the present answer: for the page on which
    visitors change their minds.
    """
    request = context.get("request")
    if request is None:
        return {}
    try:
        return {
            "is_shown": always or consent.is_asked(request),
            "always": always,
            "answer": get_adapter().get_consent(request),
            "url": reverse("engagement:consent"),
            "next": request.get_full_path(),
            "request": request,
        }
    except Exception:
        faults.report("tag:consent", "The question for consent cannot be put on the page")
        return {}
