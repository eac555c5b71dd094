"""The request that is being answered, for code that is not given it: a shop's signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest

_request: ContextVar[HttpRequest | None] = ContextVar("engagement_request", default=None)


def current_request() -> HttpRequest | None:
    """Return the request that this code runs for; None in commands, tasks and shells."""
    return _request.get()


@contextmanager
def serving(request: HttpRequest) -> Iterator[None]:
    """Make a request the current one while it is answered, in threads and in coroutines."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)
