"""Fetches pages of the shop as a visitor would, and says which shelves are on them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template.loader import select_template
from django.test import Client

from engagement.adapters import PageData, get_adapter
from engagement.flows.serving import witness
from engagement.flows.serving.placements import STOCK
from engagement.management.findings import Finding
from engagement.models import Item, Placement

# Called a robot's, so that a look at a page is no event.
AGENT = "engagement_check (bot)"


def pages(paths: list[str], *, channel: str, host: str) -> Iterator[Finding]:
    """Yield what is on the pages that are named, else on those that the adapter knows."""
    wanted = [PageData(path) for path in paths] or list(get_adapter().iter_pages())
    seen: set[str] = set()
    for page in wanted or _usual(channel):
        yield from _look_at(page, host, seen)
    if not paths:
        inactive = Placement.objects.filter(is_active=False).values_list("name", flat=True)
        rest = sorted(set(STOCK) - seen - set(inactive))
        yield Finding("placements", f"on none of these pages: {', '.join(rest) or 'none'}")


def _usual(channel: str) -> list[PageData]:
    rows = Item.objects.of_channel(channel).sellable().exclude(url="")
    url = rows.values_list("url", flat=True).first()
    return [PageData(path) for path in ("/", url) if path and path.startswith("/")]


def _look_at(page: PageData, host: str, seen: set[str]) -> Iterator[Finding]:
    with _nothing_kept(), witness.watching() as asked:
        client = Client(HTTP_USER_AGENT=AGENT, HTTP_HOST=host, raise_request_exception=False)
        if page.prepare is not None:
            page.prepare(client)
        response: Any = client.get(page.path, follow=True)
        if settings.SESSION_COOKIE_NAME in client.cookies:
            # Not every session lies in the database.
            client.session.flush()
    if response.status_code != 200:
        advice = "Name a page that anyone may see with --page, an allowed host with --host."
        yield Finding(page.path, f"answers {response.status_code}", advice)
        return
    content = b"" if response.streaming else response.content
    text = html.unescape(content.decode(errors="replace"))
    names = set(re.findall(r'data-placement="([^"]+)"', text))
    seen.update(names, asked)
    template = _template_of(response)
    for name in page.placements:
        yield _placement(page.path, name, name in names, asked.get(name), template)
    others = sorted(names - set(page.placements))
    if others or not page.placements:
        advice = (
            ""
            if others
            else "Put {% recommendation_shelf … %} on it; with the tag there, look whether the "
            "placement is active and has enough to show."
        )
        yield Finding(page.path, f"shelves: {', '.join(others)}" if others else "no shelf", advice)
    if "data-events-url" not in text and "engagement/tracker" not in text:
        advice = "Put {% engagement_tracker %} on it, or clicks and views are not reported."
        yield Finding(page.path, "no tracker", advice)


def _placement(path: str, name: str, is_there: bool, n: int | None, template: str) -> Finding:
    about = f"{path} {name}"
    if is_there:
        return Finding(about, f"{n} items" if n else "comes with a script")
    if n is None:
        where = f" {template} draws the page." if template else ""
        advice = f'Put {{% recommendation_shelf "{name}" … %}} into its template.{where}'
        return Finding(about, "not on the page", advice)
    if name in STOCK and not STOCK[name].falls_back:
        return Finding(about, "the tag is there; shown to visitors with a past of their own")
    advice = "Is the placement active, its model live, and is there enough to sell? See the admin."
    return Finding(about, "the tag is there and has nothing to show", advice)


def _template_of(response: Any) -> str:
    """Return the file that a page's template is in, where the view says which it is."""
    names = getattr(response, "template_name", None)
    if not names:
        return ""
    try:
        found: Any = select_template([names] if isinstance(names, str) else names)
    except Exception:
        return ""
    return str(getattr(getattr(found, "origin", None), "name", ""))


@contextmanager
def _nothing_kept() -> Iterator[None]:
    """Take back whatever a look at a page has written."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
