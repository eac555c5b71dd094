"""Gives the browser its cookies; see :func:`engagement.flows.collecting.identity.set_cookies`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from engagement.current_request import serving
from engagement.flows.collecting.identity import set_cookies

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class VisitorMiddleware:
    """
    Set the visitor's cookie when something was stored under a new key, and drop it at sign-out.

    While the request lasts, signals that are not given it find it by ``current_request()``.

    Put it anywhere in ``MIDDLEWARE`` above views that call ``record_event`` or show shelves;
    below caching middleware that should see ``Vary: Cookie``.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        with serving(request):
            response = self.get_response(request)
        set_cookies(request, response)  # type: ignore[arg-type]
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with serving(request):
            response = await self.get_response(request)  # type: ignore[misc]
        set_cookies(request, response)
        return response
