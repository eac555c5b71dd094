"""GET recommendations/<placement>/: a shelf as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api import plain
from engagement.api.public import FromThisShop, PublicView, described, person_of
from engagement.api.throttling import RecommendationThrottle, Refused
from engagement.conf import app_settings
from engagement.flows.collecting.identity import Person, set_cookies
from engagement.flows.serving import live
from engagement.flows.serving.recommend import MAX_ITEMS, Recommended, Shelf, recommend
from engagement.flows.serving.visit import person_of_customer

# What the mirror can hold of a key.
MAX_KEY = 161
MAX_KEYS = 200


class KeysField(serializers.ListField):
    """A parameter that may be given several times: ``?item=a&item=b``."""

    child = serializers.CharField(max_length=MAX_KEY)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MAX_KEYS, **kwargs)


class ShelfQuery(serializers.Serializer):
    """What one may ask of a placement."""

    n = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_ITEMS,
        help_text=gettext_lazy("How many items; default: what the placement says."),
    )
    item = KeysField(help_text=gettext_lazy("Keys of the items that the page is about."))
    cart = KeysField(
        help_text=gettext_lazy("Keys of the items in the cart; default: what the shop says.")
    )
    exclude = KeysField(help_text=gettext_lazy("Keys of items that are on the page already."))
    category = serializers.CharField(
        required=False,
        max_length=255,
        help_text=gettext_lazy("Only this category path and what lies below it."),
    )

    def to_internal_value(self, data: Any) -> Any:
        known = {name for name, field in self.fields.items() if not field.read_only}
        unknown = sorted(set(data) - known - {"format"})
        if unknown:
            message = _("There is no such parameter.")
            raise serializers.ValidationError({name: [message] for name in unknown})
        return super().to_internal_value(data)

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of :func:`recommend` that ``given``, once checked, stands for."""
        return {
            "n": given.get("n"),
            "context": given.get("item", ()),
            # An empty list is what a query string without the parameter looks like.
            "cart": given.get("cart") or None,
            "exclude": given.get("exclude", ()),
            "category": given.get("category", ""),
        }


class RecommendationQuery(ShelfQuery):
    explain = serializers.BooleanField(
        required=False,
        default=False,
        help_text=gettext_lazy("Every contribution to each score instead of the main reason."),
    )
    customer = serializers.CharField(
        required=False,
        max_length=255,
        help_text=gettext_lazy(
            "The shop's id of a customer to recommend to, for callers who may view visitors."
        ),
    )


class ReasonSerializer(serializers.Serializer):
    code = serializers.CharField()
    text = serializers.CharField(help_text=gettext_lazy("In the language of the request."))
    weight = serializers.FloatField(help_text=gettext_lazy("What it adds to the score."))
    key = serializers.CharField(
        allow_blank=True, help_text=gettext_lazy("The item that the reason is about, if one.")
    )


class RecommendedSerializer(serializers.Serializer):
    key = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField(allow_blank=True)
    image_url = serializers.CharField(allow_blank=True)
    price = serializers.CharField(allow_null=True)
    currency = serializers.CharField(allow_blank=True)
    score = serializers.FloatField()
    rank = serializers.IntegerField()
    source = serializers.CharField(  # type: ignore[assignment]
        help_text=gettext_lazy("The strategy that named the item.")
    )
    reasons = ReasonSerializer(many=True)
    pinned = serializers.BooleanField()
    propensity = serializers.FloatField(
        allow_null=True,
        help_text=gettext_lazy(
            "With what chance it came to this place; null where none was drawn."
        ),
    )


class ShelfSerializer(serializers.Serializer):
    """A filled placement; without items where nothing can be shown."""

    recommendation_id = serializers.CharField(
        allow_blank=True,
        help_text=gettext_lazy("Send it back with the events that this shelf leads to."),
    )
    placement = serializers.CharField()
    title = serializers.CharField()
    model_version = serializers.CharField(allow_blank=True)
    variant = serializers.CharField(allow_blank=True)
    items = RecommendedSerializer(many=True)


KEYS = {"type": "array", "items": {"type": "string"}}
PLACEMENT = OpenApiParameter(
    "placement",
    OpenApiTypes.STR,
    OpenApiParameter.PATH,
    description="page.slot, as in home.for_you",
)


class RecommendationsView(PublicView):
    """
    The items of a placement for the visitor who asks, or for the item on the page.

    Anyone may ask; the visitor is known by the first-party cookie alone. The answer is personal
    and must not be kept by shared caches.
    """

    throttle_classes = [RecommendationThrottle]
    # What has refused a request that was to be answered at once.
    _refusal: Refused | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        at_once = self._at_once(request, **kwargs) if not args else None
        return super().dispatch(request, *args, **kwargs) if at_once is None else at_once

    def _at_once(self, request: HttpRequest, **kwargs: Any) -> HttpResponse | None:
        """
        Answer a plain question without REST framework; None for it to answer any other one.

        Whoever asks is counted once, here or there; who has asked too often is told so there.
        """
        if kwargs.keys() != {"placement"} or not self._is_usual() or not plain.is_plain(request):
            return None
        given = plain.arguments(request, _plain_arguments)
        if given is None:
            return None
        self.person = person_of(request)
        placement = kwargs["placement"]
        if live.state().placement(self.person.channel, placement) is None:
            return None
        throttle = RecommendationThrottle()
        # It looks at the visitor and the address, which a plain request has as well.
        if not throttle.allow_request(cast(Request, request), self):
            self._refusal = Refused(throttle)
            return None
        shelf = recommend(
            placement=placement,
            person=self.person,
            at=timezone.now(),
            request=request,
            objects_wanted=False,
            **given,
        )
        headers = {**self.default_response_headers, "Cache-Control": "private, no-store"}
        response = HttpResponse(_json(shelf), JSONRenderer.media_type, headers=headers)
        set_cookies(request, response)
        return response

    def _is_usual(self) -> bool:
        """Return whether a shop that has made a view of its own of this one left it alone."""
        return (
            self.throttle_classes == [RecommendationThrottle]
            and self.permission_classes == [FromThisShop]
            and self.renderer_classes == [JSONRenderer]
            and self.content_negotiation_class is DefaultContentNegotiation
            and type(self) is RecommendationsView
        )

    def get_throttles(self) -> list[Any]:
        return super().get_throttles() if self._refusal is None else [self._refusal]

    @described(
        operation_id="recommendations",
        summary="Recommend items",
        tags=["recommendations"],
        parameters=[PLACEMENT, RecommendationQuery],
        responses={
            200: ShelfSerializer,
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Parameters that cannot be read, by name."),
            403: OpenApiResponse(OpenApiTypes.OBJECT, "Not allowed to name a customer."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such placement."),
        },
    )
    def get(self, request: Request, placement: str) -> Response:
        given = QUERY.run_validation(request.query_params)
        customer = given.get("customer", "")
        person = _customer(request, self.person.channel, customer) if customer else self.person
        require_placement(person, placement)
        shelf = recommend(
            placement=placement,
            person=person,
            at=timezone.now(),
            request=request._request,
            explain=given["explain"],
            objects_wanted=False,
            **QUERY.arguments(given),
        )
        response = Response(_answer(shelf))
        patch_cache_control(response, private=True, no_store=True)
        return response


# Reading a question changes nothing in it, so that one serves all requests: REST framework copies
# every field for a new one, which takes longer than reading.
QUERY = RecommendationQuery()


def _plain_arguments(parameters: Any) -> Mapping[str, Any] | None:
    given = QUERY.run_validation(parameters)
    return None if given["explain"] or given.get("customer") else QUERY.arguments(given)


def require_placement(person: Person, placement: str) -> None:
    """Raise NotFound for a placement that neither the admin nor the app knows."""
    if live.state().placement(person.channel, placement) is None:
        raise NotFound(_("There is no placement %(name)s.") % {"name": placement})


def _customer(request: Request, channel: str, customer: str) -> Person:
    """Return a customer whom another system of the shop's names."""
    if not request.user or not request.user.has_perm("engagement.view_visitor"):
        raise PermissionDenied(_("Naming a customer needs the permission to view visitors."))
    return person_of_customer(customer, channel)


def _answer(shelf: Shelf) -> dict[str, Any]:
    return {
        "recommendation_id": shelf.recommendation_id,
        "placement": shelf.placement,
        "title": shelf.title,
        "model_version": shelf.model_version,
        "variant": shelf.variant,
        "items": [_item(item) for item in shelf.items],
    }


# Stands for the one part of an answer that is new each time.
ID = "RECOMMENDATION-ID"


def _json(shelf: Shelf) -> bytes:
    """Return an answer as REST framework writes it; what is shown again is written once."""
    texts = {} if shelf.texts is None else shelf.texts
    parts = texts.get(shelf.variant)
    if parts is None:
        text = JSONRenderer().render({**_answer(shelf), "recommendation_id": ID})
        # The id comes first, and needs no escaping.
        parts = texts[shelf.variant] = text.split(ID.encode(), 1)
    before, after = parts
    return b"".join((before, shelf.recommendation_id.encode(), after))


def _item(item: Recommended) -> dict[str, Any]:
    card = item.card
    price = card.get("price")
    return {
        "key": item.key,
        "title": str(card.get("title", "")),
        "url": str(card.get("url") or ""),
        "image_url": str(card.get("image_url") or ""),
        "price": format(price, "f") if isinstance(price, Decimal) else price,
        "currency": str(card.get("currency") or app_settings.CURRENCY),
        "score": round(item.score, 6),
        "rank": item.rank,
        "source": item.source,
        "reasons": [
            {"code": why.code, "text": why.text, "weight": why.weight, "key": why.key}
            for why in item.reasons
        ],
        "pinned": item.pinned,
        "propensity": item.propensity,
    }
