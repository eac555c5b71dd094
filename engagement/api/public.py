"""What all views that strangers may call have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host
from django.utils.translation import gettext_lazy as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView, exception_handler, set_rollback

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting.identity import Person, person_from_request, set_cookies

Method = TypeVar("Method", bound=Callable[..., Any])


def described(**facts: Any) -> Callable[[Method], Method]:
    """Say what OpenAPI shall know of a view's method, however the shop describes its own API."""

    def decorate(method: Method) -> Method:
        # What drf-spectacular builds on; otherwise it takes the shop's DEFAULT_SCHEMA_CLASS.
        method.schema = AutoSchema  # type: ignore[attr-defined]
        return extend_schema(**facts)(method)

    return decorate


class FromThisShop(BasePermission):
    """
    Refuses what a browser sends from another site's page.

    This stands where a CSRF token would: ``navigator.sendBeacon`` can send none, and a page from a
    cache has none. Browsers say truthfully where a request comes from (``Sec-Fetch-Site``,
    ``Origin``); programs that say nothing carry nobody's cookies.
    """

    message = _("This comes from another site.")
    code = "cross_site"

    def has_permission(self, request: Request, view: APIView) -> bool:
        plain = request._request
        if plain.method in ("GET", "HEAD", "OPTIONS"):
            return True
        if plain.headers.get("Sec-Fetch-Site") == "same-origin":
            return True
        origin = plain.headers.get("Origin")
        if origin is None:
            return plain.headers.get("Sec-Fetch-Site", "none") == "none"
        return is_our_origin(origin, plain)


def is_our_origin(origin: str, request: HttpRequest) -> bool:
    """
    Return whether pages of this origin are the shop's: its own host, or one that settings name.

    The scheme is not compared, for behind a proxy Django may not know it. ``"*"`` in
    ALLOWED_HOSTS names nobody.
    """
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        host = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    if not host:
        return False
    if host == request.get_host().lower():
        return True
    named = [pattern for pattern in settings.ALLOWED_HOSTS if pattern != "*"]
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, named)


class PublicView(APIView):
    """
    Open to anyone, answering in JSON, and owing nothing to the shop's own REST settings.

    ``self.person`` is whoever is asking, worked out from the browser's cookies; ``request.user``
    is a server that has signed in to the API.
    """

    schema = AutoSchema()
    permission_classes = [FromThisShop]
    renderer_classes = [JSONRenderer]
    throttle_classes: list[Any] = []
    versioning_class = None
    person: Person

    def get_authenticators(self) -> list[BaseAuthentication]:
        """
        Return the shop's own ways for servers to sign in.

        Never the session: a browser sends its cookie by itself, from other sites too.
        """
        classes: list[type[BaseAuthentication]] = api_settings.DEFAULT_AUTHENTICATION_CLASSES  # type: ignore[assignment]
        return [one() for one in classes if not issubclass(one, SessionAuthentication)]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        plain = request._request
        self.person = person_of(plain)
        session_user = getattr(plain, "user", None)
        super().initial(request, *args, **kwargs)
        if session_user is not None:
            # REST framework has put its own answer there. Ours stays in ``request.user``; the
            # shop's adapter is asked about the browser's.
            plain.user = session_user

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # There is JSON or nothing; a picky Accept header is no reason to lose events.
        return super().perform_content_negotiation(request, force=True)

    def get_exception_handler(self) -> Any:
        return exception_handler

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, DatabaseError):
            faults.report("database", "The database does not answer %s", self.request.path)
            # Under ATOMIC_REQUESTS nothing of a failed request may stay.
            set_rollback()
            return Response(
                {"code": "unavailable", "detail": _("Try again later.")},
                status=status.HTTP_503_SERVICE_UNAVAILABLE,
                headers={"Retry-After": "5"},
            )
        return super().handle_exception(exc)

    def permission_denied(
        self, request: Request, message: Any = None, code: str | None = None
    ) -> NoReturn:
        # Never 401: the browser of someone on another site's page would ask for a password.
        raise PermissionDenied(detail=message, code=code)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        final = super().finalize_response(request, response, *args, **kwargs)
        set_cookies(getattr(request, "_request", request), final)
        return final


def person_of(request: HttpRequest) -> Person:
    """Return who asks; nobody in particular where the shop's adapter cannot say."""
    try:
        return person_from_request(request)
    except Exception:
        faults.report("person", "Who asks cannot be found out; nothing is stored of them")
        channel = str(app_settings.CHANNEL)
        return Person(channel, "", "", None, may_store=False, is_staff=False, refusal="unknown")
