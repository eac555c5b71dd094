"""What the app needs of the shop's other settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning
from django.urls import NoReverseMatch, reverse

from engagement.checks.hints import Messages, suggestion
from engagement.conf import app_settings

MIDDLEWARE = "engagement.middleware.VisitorMiddleware"


def aliases() -> Messages:
    if app_settings.CACHE not in settings.CACHES:
        yield Error(
            f"ENGAGEMENT['CACHE'] is {app_settings.CACHE!r}, which CACHES does not have.",
            hint=suggestion(app_settings.CACHE, settings.CACHES),
            id="engagement.E006",
        )
    if app_settings.STORAGE not in settings.STORAGES:
        yield Warning(
            f"STORAGES has no {app_settings.STORAGE!r}: model files go to the default storage, "
            "where visitors may be able to download them.",
            hint=f'Add STORAGES["{app_settings.STORAGE}"], a private folder or bucket.',
            id="engagement.W002",
        )


def surroundings() -> Messages:
    if MIDDLEWARE not in settings.MIDDLEWARE:
        yield Warning(
            "The visitor middleware is missing: visitors are forgotten with every page.",
            hint=f'Add "{MIDDLEWARE}" to MIDDLEWARE, after AuthenticationMiddleware.',
            id="engagement.W003",
        )
    processor = "django.template.context_processors.request"
    templates: Sequence[Mapping[str, Any]] = settings.TEMPLATES
    for engine in templates:
        options = engine.get("OPTIONS", {})
        is_django = engine["BACKEND"].endswith("DjangoTemplates")
        if is_django and processor not in options.get("context_processors", ()):
            yield Warning(
                "Templates do not know the request: shelves show everyone the same popular items.",
                hint=f'Add "{processor}" to the context processors.',
                id="engagement.W005",
            )
    try:
        reverse("engagement:events")
    except NoReverseMatch:
        yield Warning(
            "The app's URLs are not mounted: browsers cannot report events.",
            hint='Add path("engagement/", include("engagement.urls")) to the URLconf.',
            id="engagement.W006",
        )
    except Exception:  # noqa: S110  a broken URLconf is for Django's own checks to tell
        pass
