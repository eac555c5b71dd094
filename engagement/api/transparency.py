"""``reviews/transparency/``: how many reviews were rejected and why."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from engagement.api.public import PublicView, described
from engagement.api.reviews import ReviewsThrottle
from engagement.flows.reviews import transparency


class FiguresQuery(serializers.Serializer):
    days = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=3650,
        default=365,
        help_text=gettext_lazy("Reviews written in so many days."),
    )


class WhySerializer(serializers.Serializer):
    code = serializers.CharField(allow_blank=True)
    label = serializers.CharField()  # type: ignore[assignment]
    n = serializers.IntegerField()


class StarsSerializer(serializers.Serializer):
    stars = serializers.IntegerField()
    n = serializers.IntegerField()
    n_published = serializers.IntegerField()
    percent_published = serializers.IntegerField(allow_null=True)


class FiguresSerializer(serializers.Serializer):
    received = serializers.IntegerField()
    published = serializers.IntegerField()
    waiting = serializers.IntegerField()
    rejected = serializers.IntegerField()
    verified = serializers.IntegerField()
    percent_published = serializers.FloatField()
    percent_rejected = serializers.FloatField()
    reasons = WhySerializer(many=True)
    by_stars = StarsSerializer(many=True)


class TransparencyView(PublicView):
    """What became of the reviews that customers sent; anyone may read it."""

    throttle_classes = [ReviewsThrottle]

    @described(
        operation_id="reviews_transparency",
        tags=["reviews"],
        parameters=[FiguresQuery],
        responses=FiguresSerializer,
    )
    def get(self, request: Request) -> Response:
        query = FiguresQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        since = timezone.now() - timedelta(days=query.validated_data["days"])
        found = transparency.figures(channel=self.person.channel, since=since)
        return Response(FiguresSerializer(found).data)
