"""What all requests that write something have in common: sizes, rates, answers to what is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from rest_framework import status
from rest_framework.authentication import CSRFCheck
from rest_framework.exceptions import (
    APIException,
    ErrorDetail,
    NotFound,
    ParseError,
    ValidationError,
)
from rest_framework.exceptions import PermissionDenied as Forbidden
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from engagement.conf import app_settings
from engagement.flows import tallies
from engagement.flows.reviews.authors import MayNotWrite
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.drafts import Invalid
from engagement.flows.reviews.submit import AlreadyReviewed, Final, UnknownItem


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class WordsParser(JSONParser):
    """JSON in UTF-8, no larger than ``DATA_UPLOAD_MAX_MEMORY_SIZE``."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 10_000_000
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(_("This is too large."))
        try:
            data = json.loads(body.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise ParseError(_("The body is not UTF-8.")) from None
        # RecursionError: nested a hundred thousand times.
        except (ValueError, RecursionError):
            raise ParseError(_("The body is not JSON.")) from None
        if not isinstance(data, dict):
            raise ParseError(_("Send an object."))
        return data


class WriteThrottle(BaseThrottle):
    """
    Counts what one visitor, and one address, writes; reading counts nothing.

    Without a cache nobody is refused.
    """

    setting = "REVIEW_RATE"

    def __init__(self) -> None:
        self.seconds = 60

    def allow_request(self, request: Any, view: APIView) -> bool:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return True
        return self.allow(request, view.person.known_keys)  # type: ignore[attr-defined]

    def allow(self, request: Any, keys: tuple[str, ...]) -> bool:
        """Count one text of whoever has these keys; return whether it is not one too many."""
        limit, seconds = tallies.limit(getattr(app_settings, self.setting))
        if not limit:
            return True
        self.seconds = seconds
        counters = tallies.tallies(
            self.setting,
            keys,
            self.get_ident(request),
            most=limit,
            period=int(time.time() / seconds),
        )
        return all(tallies.add(key, seconds=seconds) <= most for key, most in counters.items())

    def wait(self) -> float:
        return self.seconds - time.time() % self.seconds


class VoteThrottle(WriteThrottle):
    setting = "VOTE_RATE"


def told(problem: Exception) -> APIException:
    """Return what a flow refuses as an answer of the API."""
    if isinstance(problem, Invalid):
        return ValidationError(
            {
                name or "non_field_errors": [ErrorDetail(one.message, one.code) for one in found]
                for name, found in problem.faults.items()
            }
        )
    if isinstance(problem, MayNotWrite):
        return Forbidden(_coded(problem.code, problem.message))
    if isinstance(problem, AlreadyReviewed):
        review = {"review": str(problem.review.key)} if problem.review is not None else {}
        return Conflict(_coded("already_reviewed", str(problem), **review))
    if isinstance(problem, Final):
        return Conflict(_coded("final", str(problem)))
    if isinstance(problem, AlreadyModerated):
        return Conflict(_coded("changed", problem.message))
    if isinstance(problem, UnknownItem):
        return NotFound(_coded("unknown_item", _("The catalogue has no such item.")))
    return NotFound(_coded("not_found", _("There is no such thing, or it is not published.")))


def _coded(code: str, message: str, **more: str) -> Any:
    return {"code": code, "detail": message, **more}


# -- forms without script -----------------------------------------------------------------------


def is_form(request: Request) -> bool:
    """Return whether a page's form was sent, and not a program's JSON."""
    return request._request.content_type != "application/json"


def enforce_csrf(request: HttpRequest) -> None:
    """Check a form's token: views of REST framework are exempt from the middleware."""

    def nothing(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    check = CSRFCheck(nothing)
    check.process_request(request)
    reason = check.process_view(request, nothing, (), {})
    if reason:
        raise PermissionDenied(f"CSRF: {reason}")


def way_back(request: HttpRequest, otherwise: str = "/") -> str:
    """Return the page that a form was on, if that is one of the shop's."""
    asked = request.POST.get("next", "") or request.GET.get("next", "")
    for url in (asked, request.headers.get("Referer", ""), otherwise):
        if url and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return url
    return "/"


def back(request: HttpRequest, anchor: str = "", otherwise: str = "/") -> HttpResponseRedirect:
    """Return to the page that a form was on, at a place in it."""
    url = way_back(request, otherwise).partition("#")[0]
    return HttpResponseRedirect(f"{url}#{anchor}" if anchor else url, status=303)
