"""``consent/``: the visitor's answer, from the banner's form or from the shop's own scripts."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework import serializers
from rest_framework.authentication import CSRFCheck
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.adapters import get_adapter
from engagement.api.public import PublicView, described
from engagement.flows.collecting import consent, privacy


class AnswerSerializer(serializers.Serializer):
    consent = serializers.BooleanField(help_text="Whether the visitor agrees to be remembered.")


class ConsentSerializer(serializers.Serializer):
    consent = serializers.BooleanField(allow_null=True, help_text="null: not answered yet.")
    is_asked = serializers.BooleanField(help_text="Whether to show the question.")
    is_stored = serializers.BooleanField(help_text="Whether events are stored now.")


class ConsentView(PublicView):
    """
    Reads and takes the visitor's answer. A form is answered by going back to where it was.
    """

    parser_classes = [JSONParser, FormParser, MultiPartParser]

    @described(operation_id="consent_retrieve", responses=ConsentSerializer)
    def get(self, request: Request) -> Response:
        plain = request._request
        return Response(
            {
                "consent": get_adapter().get_consent(plain),
                "is_asked": consent.is_asked(plain),
                "is_stored": self.person.may_store,
            },
            headers={"Cache-Control": "private, no-store"},
        )

    @described(operation_id="consent_create", request=AnswerSerializer, responses=ConsentSerializer)
    def post(self, request: Request) -> HttpResponseBase:
        plain = request._request
        is_form = plain.content_type != "application/json"
        if is_form:
            _enforce_csrf(plain)
        data = request.data
        # Of a form, REST framework would take a missing answer for a no.
        answer = AnswerSerializer(data=data.dict() if isinstance(data, QueryDict) else data)
        answer.is_valid(raise_exception=True)
        agreed = answer.validated_data["consent"]
        person = privacy.answer(plain, consent=agreed)
        if is_form:
            return _back(plain)
        return Response({"consent": agreed, "is_asked": False, "is_stored": person.may_store})


def _enforce_csrf(request: HttpRequest) -> None:
    """Check the form's token: views of REST framework are exempt from the middleware."""

    def nothing(_request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    check = CSRFCheck(nothing)
    check.process_request(request)
    reason = check.process_view(request, nothing, (), {})
    if reason:
        raise PermissionDenied(f"CSRF: {reason}")


def _back(request: HttpRequest) -> HttpResponseRedirect:
    """Return to the page that the form was on, if that is one of the shop's."""
    for url in (request.POST.get("next", ""), request.headers.get("Referer", "")):
        if url and url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        ):
            return HttpResponseRedirect(url, status=303)
    return HttpResponseRedirect("/", status=303)
