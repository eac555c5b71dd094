"""
Plain questions for a shelf, told from those that need all of REST framework.

Most of what REST framework does for a request, it does for requests that sign in, ask for another
representation or are wrong. What asks for none of that can be answered at once; the answer is the
same to the byte. When in doubt, a question is not plain.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import (
    BaseAuthentication,
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.exceptions import ValidationError
from rest_framework.settings import api_settings

Arguments = Mapping[str, Any]

# Ways to sign in that look at nothing but the header ``Authorization``; a session never counts.
BY_HEADER = (BasicAuthentication, TokenAuthentication, SessionAuthentication)
# Query strings that are remembered with what they stand for, and how long they may be.
MOST, LONGEST = 2000, 300

_read: dict[str, Arguments | None] = {}


def forget() -> None:
    """Read query strings anew."""
    _read.clear()


def is_plain(request: HttpRequest) -> bool:
    """Return whether nobody signs in, and JSON as it always looks will do."""
    meta = request.META
    return (
        request.method == "GET"
        and "HTTP_AUTHORIZATION" not in meta
        # REST framework indents where it is asked to.
        and "indent" not in meta.get("HTTP_ACCEPT", "")
        and request.encoding is None
        and hasattr(request, "user")
        and _only_by_header(tuple(api_settings.DEFAULT_AUTHENTICATION_CLASSES))
    )


@functools.lru_cache(maxsize=8)
def _only_by_header(classes: tuple[type[BaseAuthentication], ...]) -> bool:
    return all(one in BY_HEADER or issubclass(one, SessionAuthentication) for one in classes)


def arguments(request: HttpRequest, read: Callable[[Any], Arguments | None]) -> Arguments | None:
    """
    Return what the query string stands for; None where it is wrong, long or special.

    ``read`` tells it of parsed parameters, raising ValidationError or returning None. The same
    text always stands for the same, so that it is read once a process.
    """
    text = request.META.get("QUERY_STRING", "")
    if len(text) > LONGEST:
        return None
    try:
        return _read[text]
    except KeyError:
        pass
    try:
        found = None if "format" in request.GET else read(request.GET)
    except ValidationError:
        found = None
    if len(_read) >= MOST:
        _read.clear()
    _read[text] = found
    return found
