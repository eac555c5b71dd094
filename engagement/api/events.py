"""``POST events/``: what happened, from browsers and from other systems."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import IO, Any

from django.core.cache import caches
from django.core.exceptions import RequestDataTooBig
from django.http import UnreadablePostError
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from engagement.adapters import get_adapter
from engagement.api.public import PublicView, described
from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.collecting import ingest

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# An office or a mobile network shows one address for all its people.
VISITORS_AN_ADDRESS = 20


class EventParser(JSONParser):
    """
    Takes JSON as it comes: NaN is the fault of one event, not of the batch it came in.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return json.loads(stream.read())
        # RecursionError: nested a hundred thousand times.
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not JSON.")) from error


class BeaconParser(EventParser):
    """What ``navigator.sendBeacon(url, text)`` sends is labelled as plain text."""

    media_type = "text/plain"


class EventThrottle(BaseThrottle):
    """
    Counts events, not requests, for each visitor and for each address.

    A batch that begins below the limit is taken whole. Without a cache nobody is refused.
    """

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.seconds = 60

    def allow_request(self, request: Request, view: APIView) -> bool:
        if not app_settings.EVENT_RATE or is_trusted(request):
            return True
        n, period = app_settings.EVENT_RATE.split("/")
        limit, self.seconds = int(n), SECONDS[period[0]]
        window = int(time.time() / self.seconds)
        place = f"engagement:events:{window}"
        self.counters = {f"{place}:ip:{self.get_ident(request)}": limit * VISITORS_AN_ADDRESS}
        person = view.person  # type: ignore[attr-defined]
        if person.known_keys:
            self.counters[f"{place}:{person.known_keys[0]}"] = limit
        return all(self._add(key, 1) <= most for key, most in self.counters.items())

    def charge(self, n: int) -> None:
        """Count the rest of a batch, now that its size is known."""
        if n > 0:
            for key in self.counters:
                self._add(key, n)

    def _add(self, key: str, n: int) -> int:
        try:
            cache = caches[app_settings.CACHE]
            cache.add(key, 0, timeout=2 * self.seconds)
            return int(cache.incr(key, n))
        except Exception:
            faults.report("cache", "The cache does not answer; events are not throttled")
            return 0

    def wait(self) -> float:
        return self.seconds - time.time() % self.seconds


def is_trusted(request: Request) -> bool:
    """Return whether another system of the shop's is speaking, by its own account."""
    user = request.user
    return bool(user and user.is_authenticated and user.has_perm("engagement.add_event"))


class ItemSerializer(serializers.Serializer):
    item_id = serializers.CharField()
    quantity = serializers.IntegerField(required=False, min_value=1)
    price = serializers.DecimalField(required=False, max_digits=12, decimal_places=2)
    index = serializers.IntegerField(required=False, help_text="Position in the list.")


class EventSerializer(serializers.Serializer):
    """The form of an event, for the schema; ``flows.collecting.envelope`` is what checks it."""

    event = serializers.CharField(help_text="view_item, add_to_cart …, or another system's name.")
    event_id = serializers.CharField(required=False, help_text="Sent twice, it is stored once.")
    event_time = serializers.DateTimeField(required=False)
    session_id = serializers.CharField(required=False)
    items = ItemSerializer(many=True, required=False)
    value = serializers.DecimalField(required=False, max_digits=12, decimal_places=2)
    currency = serializers.CharField(required=False)
    query = serializers.CharField(required=False)
    order_id = serializers.CharField(required=False, help_text="Trusted senders only.")
    customer_id = serializers.CharField(required=False, help_text="Trusted senders only.")
    visitor_id = serializers.CharField(required=False, help_text="Trusted senders only.")
    recommendation_id = serializers.CharField(required=False)
    promotion_id = serializers.CharField(required=False)


class BatchSerializer(serializers.Serializer):
    events = EventSerializer(many=True)


class RejectionSerializer(serializers.Serializer):
    index = serializers.IntegerField(help_text="Which event of the batch, from 0.")
    code = serializers.CharField()
    field = serializers.CharField(help_text="By the name that the sender gave it.")
    message = serializers.CharField()


class ReportSerializer(serializers.Serializer):
    accepted = serializers.IntegerField()
    duplicates = serializers.IntegerField()
    rejected = RejectionSerializer(many=True)


class EventsView(PublicView):
    """
    Stores a batch of events. The answer is 200 as soon as the batch could be read, and says of
    each event what became of it: accepted, a duplicate, or rejected with a reason.
    """

    parser_classes = [EventParser, BeaconParser]
    throttle_classes = [EventThrottle]
    throttle: EventThrottle

    def get_throttles(self) -> list[BaseThrottle]:
        self.throttle = EventThrottle()
        return [self.throttle]

    @described(
        operation_id="events_create",
        request=BatchSerializer,
        responses={
            200: ReportSerializer,
            400: OpenApiResponse(description="Not JSON, or not a list of events."),
            413: OpenApiResponse(description="Too many events, or too large a body."),
            429: OpenApiResponse(description="Too many events in too short a time."),
            503: OpenApiResponse(description="The database does not answer."),
        },
        examples=[
            OpenApiExample(
                "A view",
                value={"events": [{"event": "view_item", "items": [{"item_id": "SKU-1"}]}]},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> Response:
        try:
            events = _batch(request.data)
        except (RequestDataTooBig, UnreadablePostError) as error:
            return _refuse("too_large", str(error), status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        if events is None:
            return _refuse(
                "not_a_batch",
                _('Send a list of events, or {"events": [...]}.'),
                status.HTTP_400_BAD_REQUEST,
            )
        if len(events) > app_settings.MAX_BATCH:
            message = _("A batch holds %(n)d events at most.") % {"n": app_settings.MAX_BATCH}
            return _refuse("batch_too_large", message, status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        self.throttle.charge(len(events) - 1)
        trusted = is_trusted(request)
        report = ingest.ingest(
            events,
            channel=get_adapter().get_channel(request._request),
            person=None if trusted else self.person,
            at=timezone.now(),
            trusted=trusted,
        )
        return Response(asdict(report))


def _batch(data: object) -> list[object] | None:
    """Return the events in a body; Segment says ``batch`` where we say ``events``."""
    if isinstance(data, Mapping):
        data = data.get("events", data.get("batch"))
    return data if isinstance(data, list) else None


def _refuse(code: str, message: str, code_number: int) -> Response:
    return Response({"code": code, "detail": message}, status=code_number)
