"""``metrics/figures/``: the dashboard's figures for the shop's staff."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from engagement.api.public import described
from engagement.conf import app_settings
from engagement.flows.metrics import reading
from engagement.learning.experiments import Effect


class StaffFiguresQuery(serializers.Serializer):
    since = serializers.DateField(required=False, help_text=gettext_lazy("First day."))
    until = serializers.DateField(
        required=False, help_text=gettext_lazy("Last day; default: today.")
    )
    channel = serializers.CharField(required=False, max_length=32)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        today = timezone.localdate()
        attrs["until"] = min(attrs.get("until") or today, today)
        attrs.setdefault("since", attrs["until"] - timedelta(days=29))
        days = (attrs["until"] - attrs["since"]).days
        if not 0 <= days <= 731:
            raise serializers.ValidationError(gettext_lazy("Ask for 1 to 732 days."))
        return attrs


class UpliftSerializer(serializers.Serializer):
    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    relative = serializers.FloatField(allow_null=True)
    n_held_out = serializers.IntegerField()
    n_others = serializers.IntegerField()


class FigureSerializer(serializers.Serializer):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    value = serializers.FloatField(allow_null=True)
    previous = serializers.FloatField(allow_null=True)
    trend = serializers.FloatField(allow_null=True)
    values = serializers.ListField(child=serializers.FloatField(allow_null=True))
    uplift = UpliftSerializer(allow_null=True)


class StaffFiguresSerializer(serializers.Serializer):
    days = serializers.ListField(child=serializers.DateField())
    figures = FigureSerializer(many=True)
    repeat_rate = serializers.FloatField(allow_null=True)
    made_at = serializers.DateTimeField(allow_null=True)


class StaffFiguresView(APIView):
    """How the product does, day by day, with its uplift against the hold-out."""

    permission_classes = [IsAdminUser]

    @described(
        operation_id="metrics_figures",
        tags=["metrics"],
        parameters=[StaffFiguresQuery],
        responses=StaffFiguresSerializer,
    )
    def get(self, request: Request) -> Response:
        query = StaffFiguresQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = reading.dashboard(
            channel=asked.get("channel", str(app_settings.CHANNEL)),
            since=asked["since"],
            until=asked["until"],
        )
        answer = {
            "days": found.days,
            "figures": [
                {
                    "name": one.kind.name,
                    "label": one.kind.label,
                    "value": one.value,
                    "previous": one.previous,
                    "trend": one.trend,
                    "values": one.values,
                    "uplift": _uplift(one.uplift),
                }
                for one in found.figures
            ],
            "repeat_rate": found.repeat,
            "made_at": found.made_at,
        }
        return Response(StaffFiguresSerializer(answer).data)


def _uplift(found: Effect | None) -> dict[str, Any] | None:
    """JSON knows no infinity: an interval that is the whole line has no ends."""
    if found is None or not math.isfinite(found.value):
        return None

    def told(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "value": found.value,
        "low": told(found.low),
        "high": told(found.high),
        "relative": told(found.relative),
        "n_held_out": found.n_control,
        "n_others": found.n_variant,
    }
