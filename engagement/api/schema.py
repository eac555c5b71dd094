"""GET schema/: the API as OpenAPI."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from engagement import __version__
from engagement.api.public import described


class SchemaView(SpectacularAPIView):
    """This app's part of the shop's API, whatever else the shop documents elsewhere."""

    schema = AutoSchema()
    urlconf = "engagement.api.urls"
    permission_classes: list[Any] = []
    authentication_classes: list[Any] = []
    throttle_classes: list[Any] = []

    @described(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        self.custom_settings = settings(mounted_at=request.path.removesuffix("schema/"))
        return super().get(request, *args, **kwargs)


def settings(*, mounted_at: str) -> dict[str, Any]:
    """Return what drf-spectacular shall say of this API."""
    return {
        "TITLE": "Engagement",
        "DESCRIPTION": "Events in, recommendations out.",
        "VERSION": __version__,
        "SERVERS": [{"url": mounted_at.rstrip("/") or "/"}],
    }
