"""GET health/live/ and health/ready/: for load balancers and whoever is on call."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.core.cache import caches
from django.core.files.storage import default_storage, storages
from django.db import connection
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.conf import app_settings
from engagement.flows.serving import live
from engagement.models import Activation, Item

OK = "ok"


class LiveSerializer(serializers.Serializer):
    status = serializers.CharField()


class ModelHealthSerializer(serializers.Serializer):
    alias = serializers.CharField()
    status = serializers.CharField(help_text="ok, missing or unreadable.")
    model_version = serializers.CharField(allow_blank=True)
    age_seconds = serializers.FloatField(allow_null=True, help_text="Since it was trained.")


class ReadySerializer(serializers.Serializer):
    status = serializers.CharField(
        help_text="ok, degraded (shelves fall back), or unavailable (the database is missing)."
    )
    checks = serializers.DictField(child=serializers.CharField())
    models = ModelHealthSerializer(many=True)


class HealthView(PublicView):
    """Never asks who is asking, so that it answers while everything else is broken."""

    authentication_classes: list[Any] = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request, force=True)
        request.accepted_renderer, request.accepted_media_type = negotiated


class LiveView(HealthView):
    """Whether this process answers at all."""

    @described(
        operation_id="health_live", tags=["health"], responses={200: LiveSerializer}, auth=[]
    )
    def get(self, request: Request) -> Response:
        return Response({"status": OK}, headers={"Cache-Control": "no-store"})


class ReadyView(HealthView):
    """
    Whether this process can serve shelves, and which parts it has to do without.

    Only the database is indispensable: without cache, model files or models the shop still shows
    popular items, and taking its processes out of service would help nobody.
    """

    @described(
        operation_id="health_ready",
        tags=["health"],
        responses={
            200: ReadySerializer,
            503: OpenApiResponse(ReadySerializer, "The database does not answer."),
        },
        auth=[],
    )
    def get(self, request: Request) -> Response:
        checks = {"database": _try(_database)}
        up = checks["database"] == OK
        checks["cache"] = _try(_cache)
        checks["storage"] = _try(_storage)
        models = _models() if up else []
        fine = all(value == OK for value in checks.values())
        fine = fine and all(model["status"] == OK for model in models)
        return Response(
            {
                "status": (OK if fine else "degraded") if up else "unavailable",
                "checks": checks,
                "models": models,
            },
            status=status.HTTP_200_OK if up else status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Cache-Control": "no-store"},
        )


def _try(check: Callable[[], None]) -> str:
    """Return "ok" or the kind of error: its text may hold addresses and names."""
    try:
        check()
    except Exception as error:
        return type(error).__name__
    return OK


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    # Migrated, too: a process that starts before its migration must not get visitors.
    Item.objects.only("pk").first()


def _cache() -> None:
    cache = caches[app_settings.CACHE]
    value = uuid.uuid4().hex
    cache.set("engagement:health", value, 10)
    if cache.get("engagement:health") is None:
        raise LookupError("The cache forgets at once")


def _storage() -> None:
    alias = app_settings.STORAGE
    storage = storages[alias] if alias in storages.backends else default_storage
    # Asking for a name that is not there is the cheapest question that every storage answers.
    storage.exists("engagement-health")


def _models() -> list[dict[str, Any]]:
    """Return each alias of the settings, in every channel that has models."""
    now = timezone.now()
    rows = Activation.objects.live().select_related("artifact").order_by("channel", "alias")
    by_alias: dict[str, list[Activation]] = {}
    for row in rows:
        by_alias.setdefault(row.alias, []).append(row)
    found: list[dict[str, Any]] = []
    for alias in app_settings.RECOMMENDERS:
        if alias not in by_alias:
            found.append(_model(alias, "missing"))
        for row in by_alias.get(alias, ()):
            served = live.model(row.channel, alias)
            readable = served is not None and served.artifact.pk == row.artifact_id
            age = (now - row.artifact.trained_at).total_seconds()
            version = served.version if served else ""
            found.append(_model(alias, OK if readable else "unreadable", version, age))
    return found


def _model(alias: str, status: str, version: str = "", age: float | None = None) -> dict[str, Any]:
    return {"alias": alias, "status": status, "model_version": version, "age_seconds": age}
