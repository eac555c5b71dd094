"""``{% load engagement_promotions %}``: the offer of a place, decided for the visitor."""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from engagement.flows import faults
from engagement.flows.deciding import cards
from engagement.flows.deciding.asking import offer_for
from engagement.flows.deciding.choosing import Choice
from engagement.templatetags.nonces import nonce_of

register = template.Library()


@register.simple_tag(takes_context=True)
def promotion(context: Context, placement: str) -> Choice:
    """
    Return the offer of a place for a template of the shop's own making; false where there is none::

        {% promotion "cart.offer" as offer %}
        {% if offer %}
          <aside data-engagement-promotion="{{ offer.token }}">{{ offer.title }}</aside>
        {% endif %}

    It has ``title``, ``text``, ``button``, ``url``, ``picture``, ``code``, ``expires_at``,
    ``terms`` and ``token``. Never raises.
    """
    request = context.get("request")
    name = str(placement)
    choice = offer_for(name, request=request, at=timezone.now())
    if choice is None:
        faults.report(f"point:{name}"[:80], "There is no decision point %r", name)
        return Choice(name)
    return choice


@register.simple_tag(takes_context=True)
def promotion_card(
    context: Context, placement: str, *, card: str = "", lazy: bool = False
) -> SafeString:
    """
    Render the offer of a place, or nothing where there is none::

        {% promotion_card "cart.offer" %}
        {% promotion_card "home.banner" card="shop/banner.html" lazy=True %}

    With ``lazy=True`` the page holds a placeholder and a script fetches the offer when it comes
    into view: right for pages that a full-page cache keeps for everyone.
    """
    request = context.get("request")
    card = str(card or "")
    if not lazy:
        return cards.render(promotion(context, placement), request=request, card=card)
    try:
        return cards.render_lazy(
            str(placement), request=request, card=card, nonce=nonce_of(context, request)
        )
    except Exception:
        faults.report(f"tag:{placement}", "The placeholder of %r cannot be drawn", placement)
        return mark_safe("")
