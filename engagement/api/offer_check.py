"""POST promotions/check/: what codes take off a cart, for shops whose pages are made elsewhere."""

from __future__ import annotations

from typing import Any

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
from engagement.api.recommendations import MAX_KEY, MAX_KEYS
from engagement.api.throttling import RecommendationThrottle
from engagement.flows.promotions import checking, codes
from engagement.flows.promotions.pricing import MOST_CODES
from engagement.flows.promotions.shoppers import at_list_prices, shopper_of

MOST_PIECES = 10_000


class CartLineQuestion(serializers.Serializer):
    item_id = serializers.CharField(max_length=MAX_KEY)
    quantity = serializers.IntegerField(default=1, min_value=1, max_value=MOST_PIECES)


class OfferQuestion(serializers.Serializer):
    codes = serializers.ListField(
        child=serializers.CharField(max_length=codes.LONGEST * 2),
        required=False,
        default=list,
        max_length=MOST_CODES,
        help_text=gettext_lazy("What the customer typed."),
    )
    lines = serializers.ListField(
        child=CartLineQuestion(),
        required=False,
        max_length=MAX_KEYS,
        help_text=gettext_lazy(
            "The cart, at the catalogue's prices; default: the cart that the shop knows."
        ),
    )


class MoneyField(serializers.DecimalField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=15, decimal_places=None, coerce_to_string=True, **kwargs)


class AppliedSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField()
    code = serializers.CharField(source="shown_code", allow_blank=True)
    discount = MoneyField()
    shipping = MoneyField()
    gift_item_id = serializers.CharField(source="gift_key", allow_blank=True)
    lines = serializers.DictField(
        child=MoneyField(), help_text=gettext_lazy("What is taken off, by item_id.")
    )


class RefusedSerializer(serializers.Serializer):
    code = serializers.CharField(source="shown_code")
    reason = serializers.CharField()
    message = serializers.CharField()


class QuoteSerializer(serializers.Serializer):
    currency = serializers.CharField(source="cart.currency", allow_blank=True)
    subtotal = MoneyField()
    discount = MoneyField()
    shipping_discount = MoneyField()
    total = MoneyField(help_text=gettext_lazy("Without delivery."))
    applied = AppliedSerializer(many=True)
    refused = RefusedSerializer(many=True)


class OfferCheckView(PublicView):
    """
    What codes, and the offers that need none, take off a cart, and why the others do not.

    Nothing is promised: the shop's server redeems when the order is placed. Prices are never the
    caller's.
    """

    throttle_classes = [RecommendationThrottle]
    parser_classes = [JSONParser]

    @described(
        operation_id="offer_check",
        summary="Price a cart with offers",
        tags=["promotions"],
        request=OfferQuestion,
        responses={
            200: QuoteSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "What cannot be read, by name."),
        },
    )
    def post(self, request: Request) -> Response:
        question = OfferQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        lines = asked.get("lines")
        pieces = [(one["item_id"], one["quantity"]) for one in lines] if lines is not None else None
        at = timezone.now()
        shopper = shopper_of(
            self.person,
            request=request._request,
            cart=None if pieces is None else at_list_prices(pieces, self.person.channel),
            at=at,
        )
        quote = checking.check(
            shopper.cart,
            asked["codes"],
            shopper=shopper,
            address=checking.address_of(request._request),
            at=at,
        )
        response = Response(QuoteSerializer(quote).data)
        patch_cache_control(response, private=True, no_store=True)
        return response
