"""A shelf as HTML: at once, or as a placeholder that a script fills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string, select_template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.serving.recommend import Recommended, Shelf

_SALT = "engagement.shelf"


def render(
    shelf: Shelf, *, request: HttpRequest | None = None, title: str = "", card: str = ""
) -> SafeString:
    """
    Return the HTML of a shelf, nothing for an empty one. Never raises.

    ``shelf_<page>_<slot>.html`` is used where the shop has one, else ``shelf.html``. The title
    and the card's template may be others than the placement's and the adapter's.
    """
    if not shelf:
        return mark_safe("")
    try:
        template = select_template(
            [f"engagement/shelf_{shelf.placement.replace('.', '_')}.html", "engagement/shelf.html"]
        )
        context = {
            "shelf": shelf,
            "title": title or shelf.title,
            "card_template": card or get_adapter().card_template,
            "currency": app_settings.CURRENCY,
        }
        html = template.render(context, request)
        return SafeString(html)
    except Exception:
        faults.report(f"render:{shelf.placement}", "The shelf %r cannot be drawn", shelf.placement)
        return mark_safe("")


def render_lazy(
    placement: str,
    *,
    request: HttpRequest | None = None,
    n: int | None = None,
    context: Iterable[str] = (),
    cart: Iterable[str] = (),
    category: str = "",
    title: str = "",
    card: str = "",
    nonce: str = "",
) -> SafeString:
    """Return a placeholder that is the same for every visitor, so that the page may be cached."""
    parameters: list[tuple[str, object]] = [("item", key) for key in context]
    parameters += [("cart", key) for key in cart]
    single = {"n": n, "category": category, "lang": get_language()}
    parameters += [(name, value) for name, value in single.items() if value]
    style = {name: value for name, value in (("title", title), ("card", card)) if value}
    if style:
        # Without a moment in the signature: the same placeholder, whenever it is made.
        parameters.append(("style", signing.Signer(salt=_SALT).sign_object(style)))
    url = reverse("engagement:shelf", args=[placement])
    values = {"url": f"{url}?{urlencode(parameters)}", "placement": placement, "nonce": nonce}
    return mark_safe(render_to_string("engagement/lazy.html", values, request))  # noqa: S308


def read_style(signed: str) -> Mapping[str, str]:
    """
    Return title and card template of a placeholder; raises ``signing.BadSignature``.

    Signed because a visitor must not choose which template the server renders.
    """
    style: Mapping[str, str] = signing.Signer(salt=_SALT).unsign_object(signed)
    return style


def keys_of(value: Any) -> tuple[str, ...]:
    """Return the item keys of what a template has: objects, keys, shelves, lists of them."""
    return tuple(dict.fromkeys(_keys(value)))


def _keys(value: Any) -> Iterator[str]:
    if value is None or value == "":
        return
    if isinstance(value, Recommended):
        yield value.key
    elif isinstance(value, list | tuple | set | frozenset | QuerySet | Iterator | Shelf):
        for one in value:
            yield from _keys(one)
    else:
        yield get_adapter().item_key(value)
