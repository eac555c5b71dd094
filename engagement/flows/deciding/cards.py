"""An offer as HTML: at once, or as a placeholder that a script fills."""

from __future__ import annotations

from urllib.parse import urlencode

from django.core import signing
from django.http import HttpRequest
from django.template.loader import render_to_string, select_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from engagement.flows import faults
from engagement.flows.deciding.choosing import Choice

_SALT = "engagement.promotion"


def render(choice: Choice, *, request: HttpRequest | None = None, card: str = "") -> SafeString:
    """
    Return the HTML of an offer, nothing for none. Never raises.

    ``promotion_<page>_<slot>.html`` is used where the shop has one, else ``promotion.html``;
    ``card`` names another template.
    """
    if not choice:
        return mark_safe("")
    try:
        own = f"engagement/promotion_{choice.placement.replace('.', '_')}.html"
        template = select_template([card] if card else [own, "engagement/promotion.html"])
        return SafeString(template.render({"offer": choice}, request))
    except Exception:
        faults.report(
            f"card:{choice.placement}", "The offer of %r cannot be drawn", choice.placement
        )
        return mark_safe("")


def render_lazy(
    placement: str, *, request: HttpRequest | None = None, card: str = "", nonce: str = ""
) -> SafeString:
    """Return a placeholder that is the same for every visitor, so that the page may be cached."""
    parameters = {"lang": get_language() or ""}
    if card:
        # Signed: a visitor must not choose which template the server renders.
        parameters["card"] = signing.Signer(salt=_SALT).sign(card)
    query = urlencode({name: value for name, value in parameters.items() if value})
    url = reverse("engagement:promotion-card", args=[placement])
    values = {"url": f"{url}?{query}" if query else url, "placement": placement, "nonce": nonce}
    html = render_to_string("engagement/lazy_promotion.html", values, request)
    return mark_safe(html)  # noqa: S308


def read_card(signed: str) -> str:
    """Return the template of a placeholder; raises ``signing.BadSignature``."""
    return signing.Signer(salt=_SALT).unsign(signed)
