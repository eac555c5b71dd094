"""Work for the shop's own pages: each task reads the clock and calls one flow."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from engagement.conf import app_settings
from engagement.contrib.oscar import recommended
from engagement.tasks import HOUR, Work, enqueue


@shared_task(
    base=Work,
    name="engagement.oscar_recommended",
    soft_time_limit=2 * HOUR,
    time_limit=2 * HOUR + 60,
)
def fill_recommended(**kwargs: Any) -> None:
    recommended.fill(n=int(app_settings.OSCAR_RECOMMENDED_PRODUCTS), at=timezone.now())


def follow_model(*, artifact: Any, **kwargs: Any) -> None:
    """Receive ``artifact_activated``: another model recommends other products."""
    if app_settings.OSCAR_RECOMMENDED_PRODUCTS and artifact.alias == "similar":
        enqueue(fill_recommended)
