"""Whether something may be stored about whoever is behind a request."""

from __future__ import annotations

import functools
import re

from django.http import HttpRequest

from engagement.adapters import get_adapter
from engagement.conf import app_settings

# What well-behaved machines call themselves, and the libraries that the others are made of.
# Short on purpose: whoever lies here is found by the number of events a day. Headless browsers
# and missing names are let through, for that is how shops test themselves. CUBOT makes phones.
MACHINES = re.compile(
    r"(?<!cu)bot\b|bot[/;_-]|crawl|spider|slurp|scrapy|preview|uptime|pingdom|lighthouse|phantomjs"
    r"|facebookexternalhit|whatsapp|embedly|mediapartners|archiver|validator"
    r"|^(curl|wget|python|java|go-http|okhttp|libwww|perl|ruby|php|axios|node|http)",
    re.IGNORECASE,
)

# Browsers' names are shorter than this; what comes after it tells nothing.
LONGEST_NAME = 500


def is_machine(user_agent: str) -> bool:
    """Return whether a browser's name is that of a robot."""
    return _is_machine(user_agent[:LONGEST_NAME])


@functools.lru_cache(maxsize=2048)
def _is_machine(user_agent: str) -> bool:
    return MACHINES.search(user_agent.strip()) is not None


def asks_for_privacy(request: HttpRequest) -> bool:
    """Return whether the browser sends Global Privacy Control or Do Not Track."""
    # Where WSGI and ASGI put them: ``request.headers`` is made of all of these anew each time.
    meta = request.META
    return "1" in (str(meta.get("HTTP_SEC_GPC", "")).strip(), str(meta.get("HTTP_DNT", "")).strip())


def refusal(request: HttpRequest, *, answer: bool | None, is_staff: bool) -> str:
    """
    Return why nothing may be stored: "staff", "bot" or "no_consent"; "" where it may.

    The visitor's own answer counts most, then what the browser asks for, then the shop's rule.
    """
    if is_staff:
        return "staff"
    if is_machine(request.META.get("HTTP_USER_AGENT", "")):
        return "bot"
    if answer is not None:
        return "" if answer else "no_consent"
    if app_settings.RESPECT_GPC and asks_for_privacy(request):
        return "no_consent"
    return "no_consent" if app_settings.CONSENT == "opt_in" else ""


def is_asked(request: HttpRequest) -> bool:
    """Return whether the visitor still has to be asked."""
    return app_settings.CONSENT != "not_needed" and get_adapter().get_consent(request) is None
