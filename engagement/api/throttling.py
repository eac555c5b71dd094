"""How often one visitor may ask for recommendations."""

from __future__ import annotations

from django.core.cache import BaseCache, caches
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from engagement.conf import app_settings
from engagement.flows import faults


class RecommendationThrottle(SimpleRateThrottle):
    """
    Counts by visitor, else by address, against ``ENGAGEMENT["RECOMMENDATION_RATE"]``.

    Without a cache nobody is refused: a shop whose cache is down still sells.
    """

    scope = "recommendations"

    def get_rate(self) -> str | None:
        return app_settings.RECOMMENDATION_RATE or None

    @property
    def cache(self) -> BaseCache:  # type: ignore[override]
        return caches[app_settings.CACHE]

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except Exception:
            faults.report("cache", "The cache does not answer; nobody is throttled")
            return True

    def get_cache_key(self, request: Request, view: APIView) -> str:
        keys = view.person.known_keys  # type: ignore[attr-defined]
        return f"engagement:throttle:{keys[0] if keys else self.get_ident(request)}"
