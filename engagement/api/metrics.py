"""GET metrics/: what Prometheus collects."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.models import Activation

# What a proxy adds; with one of these, the caller's address is the proxy's.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")


class MetricsView(View):
    """
    Metrics of this process, or of all processes where PROMETHEUS_MULTIPROC_DIR is set.

    For staff and for programs on the same machine, unless ``METRICS_PUBLIC`` says otherwise.
    """

    def get(self, request: HttpRequest) -> HttpResponse:
        if not may_read(request):
            return HttpResponse(_("Metrics are not public."), status=403, content_type="text/plain")
        body = generate_latest(_registry()) + generate_latest(_ages())
        return HttpResponse(
            body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"}
        )


def may_read(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    if app_settings.METRICS_PUBLIC or bool(user and user.is_active and user.is_staff):
        return True
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        # A Unix socket has no address, and who is behind it cannot be said.
        return False


def _registry() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    return registry


class _Ages:
    """Ages are read when asked for: a gauge that nobody updates would stand still."""

    def collect(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "engagement_model_age_seconds",
            "Seconds since the live model was trained.",
            labels=["channel", "alias"],
        )
        now = timezone.now()
        try:
            rows = Activation.objects.live().values_list("channel", "alias", "artifact__trained_at")
            for channel, alias, trained_at in rows:
                age.add_metric([channel, alias], (now - trained_at).total_seconds())
        except Exception:
            faults.report("metrics", "The ages of the live models cannot be read")
        yield age


def _ages() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Ages())
    return registry
