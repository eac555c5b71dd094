"""GET promotions/<placement>/: the offer of a place, as JSON or as an HTML fragment."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.renderers import JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.api.throttling import RecommendationThrottle
from engagement.flows.deciding import cards
from engagement.flows.deciding.asking import offer_for
from engagement.flows.deciding.choosing import Choice

PLACEMENT = OpenApiParameter(
    "placement",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="page.slot of a decision point, as in cart.offer",
)


class PromotionQuery(serializers.Serializer):
    lang = serializers.CharField(
        required=False, max_length=16, help_text=gettext_lazy("The language of the page.")
    )

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields) - {"format"})
        if unknown:
            message = _("There is no such parameter.")
            raise serializers.ValidationError({name: [message] for name in unknown})
        return super().to_internal_value(data)

    def validate_lang(self, code: str) -> str:
        if code not in dict(settings.LANGUAGES):
            raise serializers.ValidationError(_("The shop does not speak this language."))
        return code


class CardQuery(PromotionQuery):
    card = serializers.CharField(
        required=False,
        max_length=500,
        help_text=gettext_lazy("A template, signed by the tag that asked."),
    )

    def validate_card(self, signed: str) -> str:
        try:
            return cards.read_card(signed)
        except signing.BadSignature:
            raise serializers.ValidationError(_("This was not signed by this shop.")) from None


class OfferSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    button = serializers.CharField(allow_blank=True)
    url = serializers.CharField(allow_blank=True)
    picture = serializers.CharField(allow_blank=True)
    code = serializers.CharField(
        allow_blank=True, help_text=gettext_lazy("To be typed at checkout; empty: none is needed.")
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    terms = serializers.CharField(allow_blank=True)


class ChoiceSerializer(serializers.Serializer):
    """What is shown at a place; ``promotion`` is null where that is nothing."""

    decision_id = serializers.CharField(
        allow_blank=True,
        help_text=gettext_lazy(
            "Send it back as promotion_id with view_promotion and select_promotion; empty: nothing"
            " was decided for this visitor."
        ),
    )
    placement = serializers.CharField()
    arm = serializers.CharField(allow_blank=True)
    promotion = OfferSerializer(allow_null=True)
    propensity = serializers.FloatField(
        allow_null=True, help_text=gettext_lazy("With what chance it was this arm.")
    )
    variant = serializers.CharField(allow_blank=True)


class PromotionsView(PublicView):
    """
    The offer of a place for the visitor who asks, or none.

    The answer is personal and must not be kept by shared caches. The same visitor gets the same
    answer while the decision holds.
    """

    throttle_classes = [RecommendationThrottle]

    @described(
        operation_id="promotions",
        summary="Choose an offer",
        tags=["promotions"],
        parameters=[PLACEMENT, PromotionQuery],
        responses={
            200: ChoiceSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Parameters that cannot be read, by name."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such decision point."),
        },
    )
    def get(self, request: Request, placement: str) -> Response:
        given = QUERY.run_validation(request.query_params)
        response = Response(_answer(_choice(request, placement, given)))
        patch_cache_control(response, private=True, no_store=True)
        return response


class PromotionCardView(PublicView):
    """
    The offer of a place as an HTML fragment; empty where there is none.

    ``{% promotion_card … lazy=True %}`` fetches it.
    """

    throttle_classes = [RecommendationThrottle]
    renderer_classes = [StaticHTMLRenderer]

    @described(
        operation_id="promotion_card",
        summary="Render an offer",
        tags=["promotions"],
        parameters=[PLACEMENT, CardQuery],
        responses={
            (200, "text/html"): OpenApiResponse(OpenApiTypes.STR, "The offer."),
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Parameters that cannot be read, by name."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such decision point."),
        },
    )
    def get(self, request: Request, placement: str) -> Response:
        given = CARD_QUERY.run_validation(request.query_params)
        choice = _choice(request, placement, given)
        with translation.override(given.get("lang") or translation.get_language()):
            html = cards.render(choice, request=request._request, card=given.get("card", ""))
        response = Response(html)
        patch_cache_control(response, private=True, no_store=True)
        response["X-Robots-Tag"] = "noindex"
        return response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        # Refusals are told as JSON; only an offer is HTML.
        if getattr(response, "exception", False):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


QUERY, CARD_QUERY = PromotionQuery(), CardQuery()


def _choice(request: Request, placement: str, given: dict[str, Any]) -> Choice:
    with translation.override(given.get("lang") or translation.get_language()):
        choice = offer_for(placement, request=request._request, at=timezone.now())
    if choice is None:
        raise NotFound(_("There is no decision point %(name)s.") % {"name": placement})
    return choice


def _answer(choice: Choice) -> dict[str, Any]:
    return {
        "decision_id": choice.token,
        "placement": choice.placement,
        "arm": choice.arm,
        "promotion": _offer(choice) if choice else None,
        "propensity": choice.propensity,
        "variant": choice.variant,
    }


def _offer(choice: Choice) -> dict[str, Any]:
    parts = ("name", "title", "text", "button", "url", "picture", "code", "expires_at", "terms")
    return {part: getattr(choice, part) for part in parts}
