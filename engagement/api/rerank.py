"""POST rerank/: the shop's own list in the order that suits the visitor who asks."""

from __future__ import annotations

from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.api.recommendations import MAX_KEY, ReasonSerializer, require_placement
from engagement.api.throttling import RecommendationThrottle
from engagement.flows.serving.rerank import MOST_KEYS, RESULTS, rerank


class RerankQuestion(serializers.Serializer):
    items = serializers.ListField(
        child=serializers.CharField(max_length=MAX_KEY),
        max_length=MOST_KEYS,
        help_text=gettext_lazy("Keys of the items in the shop's own order, best first."),
    )
    placement = serializers.CharField(
        required=False,
        default=RESULTS,
        max_length=64,
        help_text=gettext_lazy("Whose strategies and boosts count."),
    )
    strength = serializers.FloatField(
        required=False,
        default=0.5,
        min_value=0.0,
        max_value=1.0,
        help_text=gettext_lazy("0 keeps the given order, 1 goes by the visitor's taste alone."),
    )
    explain = serializers.BooleanField(
        required=False,
        default=False,
        help_text=gettext_lazy("Every contribution to each score instead of the main reason."),
    )


class RerankedSerializer(serializers.Serializer):
    key = serializers.CharField()
    rank = serializers.IntegerField()
    was = serializers.IntegerField(help_text=gettext_lazy("The place in the given order."))
    score = serializers.FloatField()
    reasons = ReasonSerializer(many=True)


class OrderSerializer(serializers.Serializer):
    placement = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    items = RerankedSerializer(many=True)


class RerankView(PublicView):
    """
    The given items, none more and none less, in the order that suits the visitor.

    For search results and category pages: which items match stays the shop's to say.
    """

    throttle_classes = [RecommendationThrottle]
    parser_classes = [JSONParser]

    @described(
        operation_id="rerank",
        summary="Put the shop's own list into the visitor's order",
        tags=["recommendations"],
        request=RerankQuestion,
        responses={
            200: OrderSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "What cannot be read, by name."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such placement."),
        },
    )
    def post(self, request: Request) -> Response:
        question = RerankQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        require_placement(self.person, asked["placement"])
        order = rerank(
            keys=asked["items"],
            person=self.person,
            at=timezone.now(),
            placement=asked["placement"],
            strength=asked["strength"],
            request=request._request,
            explain=asked["explain"],
        )
        answer = {
            "placement": asked["placement"],
            "model_version": order.model_version,
            "items": order.items,
        }
        response = Response(OrderSerializer(answer).data)
        patch_cache_control(response, private=True, no_store=True)
        return response
