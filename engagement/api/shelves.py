"""GET shelves/<placement>/: a rendered shelf, for pages that a full-page cache keeps."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer, StaticHTMLRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.api.recommendations import PLACEMENT, ShelfQuery, require_placement
from engagement.api.throttling import RecommendationThrottle
from engagement.flows.serving import rendering
from engagement.flows.serving.recommend import recommend


class FragmentQuery(ShelfQuery):
    style = serializers.CharField(  # type: ignore[assignment]
        required=False,
        max_length=2000,
        help_text=gettext_lazy("Title and card template, signed by the tag that asked."),
    )
    lang = serializers.CharField(
        required=False, max_length=16, help_text=gettext_lazy("The language of the page.")
    )

    def validate_style(self, signed: str) -> Any:
        try:
            return rendering.read_style(signed)
        except signing.BadSignature:
            raise serializers.ValidationError(_("This was not signed by this shop.")) from None

    def validate_lang(self, code: str) -> str:
        if code not in dict(settings.LANGUAGES):
            raise serializers.ValidationError(_("The shop does not speak this language."))
        return code


class ShelvesView(PublicView):
    """
    A placement as an HTML fragment for the visitor who asks; empty where nothing can be shown.

    ``{% recommendation_shelf … lazy=True %}`` fetches it.
    """

    throttle_classes = [RecommendationThrottle]
    renderer_classes = [StaticHTMLRenderer]

    @described(
        operation_id="shelf",
        summary="Render a shelf",
        tags=["recommendations"],
        parameters=[PLACEMENT, FragmentQuery],
        responses={
            (200, "text/html"): OpenApiResponse(OpenApiTypes.STR, "The shelf."),
            400: OpenApiResponse(OpenApiTypes.OBJECT, "Parameters that cannot be read, by name."),
            404: OpenApiResponse(OpenApiTypes.OBJECT, "There is no such placement."),
        },
    )
    def get(self, request: Request, placement: str) -> Response:
        given = QUERY.run_validation(request.query_params)
        require_placement(self.person, placement)
        style = given.get("style", {})
        language = given.get("lang") or translation.get_language()
        with translation.override(language):
            shelf = recommend(
                placement=placement,
                person=self.person,
                at=timezone.now(),
                request=request._request,
                **QUERY.arguments(given),
            )
            html = rendering.render(shelf, request=request._request, **style)
        response = Response(html)
        patch_cache_control(response, private=True, no_store=True)
        response["X-Robots-Tag"] = "noindex"
        return response

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        # Refusals are told as JSON; only a shelf is HTML.
        if getattr(response, "exception", False):
            request.accepted_renderer = JSONRenderer()
            request.accepted_media_type = JSONRenderer.media_type
        return super().finalize_response(request, response, *args, **kwargs)


QUERY = FragmentQuery()
