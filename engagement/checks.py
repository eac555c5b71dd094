"""
Mistakes in the configuration, told at start-up with a hint.

``manage.py check`` reports them; those that need the database (what placements name) come with
``manage.py check --database default`` and after each ``migrate``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import FieldDoesNotExist
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from engagement.adapters import ModelAdapter, ShopAdapter
from engagement.conf import DEFAULTS, app_settings
from engagement.flows.placements import BUILT_IN
from engagement.learning.recommenders.base import Recommender
from engagement.models import EventName, Placement

MIDDLEWARE = "engagement.middleware.VisitorMiddleware"
CHOICES = {
    "CONSENT": ("opt_in", "opt_out", "not_needed"),
    "GROUP_BY": ("visitor", "order"),
    "INPUT": ("visitor", "purchases", "context", "nothing"),
    "VARIANT": ("all", "new"),
}
PARTS_OF_RECOMMENDER = ("GROUP_BY", "INPUT", "EVENTS", "VARIANT", "CANDIDATES")
NUMBERS = tuple(
    name
    for name, value in DEFAULTS.items()
    if isinstance(value, int | float) and not isinstance(value, bool)
)
RATES = ("EVENT_RATE", "RECOMMENDATION_RATE")

Messages = Iterator[CheckMessage]


@register("engagement")
def check_settings(**kwargs: Any) -> list[CheckMessage]:
    """Check the ENGAGEMENT setting and what the app needs of the others."""
    given = getattr(settings, "ENGAGEMENT", {})
    if not isinstance(given, Mapping):
        return [
            Error(
                "ENGAGEMENT is not a dictionary.",
                hint='Write ENGAGEMENT = {"ADAPTER": "shop.adapter.Adapter"}, or leave it out.',
                id="engagement.E003",
            )
        ]
    parts: tuple[Callable[[], Messages], ...] = (
        _unknown_names,
        _values,
        _recommenders,
        _adapter,
        _aliases,
        _surroundings,
    )
    return [message for part in parts for message in part()]


def _unknown_names() -> Messages:
    for name in getattr(settings, "ENGAGEMENT", {}):
        if name not in DEFAULTS:
            yield Warning(
                f"ENGAGEMENT[{name!r}] is no setting and does nothing.",
                hint=_suggestion(str(name), DEFAULTS),
                id="engagement.W001",
            )


def _suggestion(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name.upper(), list(known), n=1, cutoff=0.6)
    close = close or difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known are {', '.join(sorted(known))}."


# -- values -------------------------------------------------------------------------------------


def _wrong(what: str, hint: str) -> CheckMessage:
    return Error(what, hint=hint, id="engagement.E004")


def _values() -> Messages:
    if app_settings.CONSENT not in CHOICES["CONSENT"]:
        yield _wrong(
            f"ENGAGEMENT['CONSENT'] is {app_settings.CONSENT!r}.",
            f"It is one of {', '.join(CHOICES['CONSENT'])}.",
        )
    for name in NUMBERS:
        value = getattr(app_settings, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            yield _wrong(f"ENGAGEMENT[{name!r}] is {value!r}.", "It is a number, not below zero.")
    for name in RATES:
        rate = getattr(app_settings, name)
        if rate and not re.fullmatch(r"\d+/(s|m|h|d)[a-z]*", str(rate)):
            yield _wrong(
                f"ENGAGEMENT[{name!r}] is {rate!r}.", 'Write it as "600/min", or "" for no limit.'
            )
    for code, weight in app_settings.EVENT_WEIGHTS.items():
        if not _is_event(code):
            yield _wrong(
                f"ENGAGEMENT['EVENT_WEIGHTS'] names the event {code!r}, which does not exist.",
                _suggestion(code, _events()),
            )
        elif not isinstance(weight, int | float) or weight < 0:
            yield _wrong(
                f"The weight of {code!r} is {weight!r}.", "It is a number, not below zero."
            )


def _events() -> list[str]:
    return [event.code for event in EventName]


def _is_event(code: object) -> bool:
    return code in _events()


# -- recommenders -----------------------------------------------------------------------------


def _recommenders() -> Messages:
    for alias, spec in app_settings.RECOMMENDERS.items():
        if alias in BUILT_IN:
            yield _wrong(
                f"A recommender is called {alias!r}, as a built-in strategy is.",
                "Give it another name.",
            )
        yield from _spec(alias, spec)
        for candidate in spec.get("CANDIDATES", ()):
            yield from _candidate(alias, candidate)


def _spec(alias: str, spec: Mapping[str, Any]) -> Messages:
    for part in spec:
        if part not in PARTS_OF_RECOMMENDER:
            yield Warning(
                f"The recommender {alias!r} has an unknown part {part!r}, which does nothing.",
                hint=_suggestion(part, PARTS_OF_RECOMMENDER),
                id="engagement.W001",
            )
    for part in ("GROUP_BY", "INPUT", "VARIANT"):
        if part in spec and spec[part] not in CHOICES[part]:
            yield _wrong(
                f"{part} of the recommender {alias!r} is {spec[part]!r}.",
                f"It is one of {', '.join(CHOICES[part])}.",
            )
    for code in spec.get("EVENTS") or ():
        if not _is_event(code):
            yield _wrong(
                f"The recommender {alias!r} learns from {code!r}, which is no event.",
                _suggestion(code, _events()),
            )
    if not spec.get("CANDIDATES"):
        yield _cannot_build(alias, "it has no CANDIDATES", "Name at least one backend.")


def _candidate(alias: str, candidate: Mapping[str, Any]) -> Messages:
    path = candidate.get("BACKEND", "")
    try:
        backend = import_string(path)
    except (ImportError, TypeError, AttributeError) as error:
        yield _cannot_build(alias, str(error), 'Check the dotted path in "BACKEND".')
        return
    if not (isinstance(backend, type) and issubclass(backend, Recommender)):
        yield _cannot_build(
            alias,
            f"{path} is not a Recommender",
            "Subclass engagement.learning.recommenders.Recommender.",
        )
        return
    try:
        backend(**candidate.get("OPTIONS", {}))
    except Exception as error:
        yield _cannot_build(alias, f"{path}: {error}", 'Check the names and values in "OPTIONS".')


def _cannot_build(alias: str, why: str, hint: str) -> CheckMessage:
    return Error(
        f"The recommender {alias!r} cannot be built: {why}.", hint=hint, id="engagement.E001"
    )


# -- the shop -----------------------------------------------------------------------------------


def _adapter() -> Messages:
    path = app_settings.ADAPTER
    try:
        adapter = import_string(path)()
    except Exception as error:
        yield Error(
            f"The adapter {path!r} cannot be built: {error}.",
            hint="ENGAGEMENT['ADAPTER'] is the dotted path of a class without arguments.",
            id="engagement.E002",
        )
        return
    if not isinstance(adapter, ShopAdapter):
        yield Error(
            f"The adapter {path!r} is not a ShopAdapter.",
            hint="Subclass engagement.adapters.ShopAdapter: what it does not override is safe.",
            id="engagement.E002",
        )
    elif type(adapter).resolve is ShopAdapter.resolve:
        yield Error(
            f"The adapter {path!r} has no method resolve().",
            hint="Without it no shelf can show the shop's products.",
            id="engagement.E002",
        )
    elif type(adapter).resolve is ModelAdapter.resolve:
        yield from _catalogue("CATALOGUE", app_settings.CATALOGUE, CATALOGUE_FIELDS)
        if app_settings.ORDERS:
            yield from _catalogue("ORDERS", app_settings.ORDERS, ORDER_FIELDS)


CATALOGUE_FIELDS = ("KEY", "TITLE", "TEXT", "CATEGORY", "PRICE", "IMAGE", "GROUP")
ORDER_FIELDS = ("REF", "CUSTOMER", "PLACED_AT", "LINES")


def _catalogue(setting: str, names: Mapping[str, Any], fields: Sequence[str]) -> Messages:
    if not names.get("MODEL"):
        yield Warning(
            f"ENGAGEMENT[{setting!r}] names no MODEL, so no shelf can show anything.",
            hint="Name the shop's model, or an ADAPTER of your own; see docs/adapters.md.",
            id="engagement.W007",
        )
        return
    try:
        model = apps.get_model(names["MODEL"])
    except (LookupError, ValueError) as error:
        yield Error(
            f"ENGAGEMENT[{setting!r}]: {error}",
            hint='MODEL is "app_label.ModelName".',
            id="engagement.E005",
        )
        return
    for part in fields:
        first = str(names.get(part) or "").partition(".")[0]
        if first and not _has(model, first):
            yield Error(
                f"ENGAGEMENT[{setting!r}][{part!r}]: {names['MODEL']} has no {first!r}.",
                hint=_suggestion(first, [field.name for field in model._meta.get_fields()]),
                id="engagement.E005",
            )


def _has(model: Any, name: str) -> bool:
    if name == "pk" or hasattr(model, name):
        return True
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


# -- what stands around the app -------------------------------------------------------------


def _aliases() -> Messages:
    if app_settings.CACHE not in settings.CACHES:
        yield Error(
            f"ENGAGEMENT['CACHE'] is {app_settings.CACHE!r}, which CACHES does not have.",
            hint=_suggestion(app_settings.CACHE, settings.CACHES),
            id="engagement.E006",
        )
    if app_settings.STORAGE not in settings.STORAGES:
        yield Warning(
            f"STORAGES has no {app_settings.STORAGE!r}: model files go to the default storage, "
            "where visitors may be able to download them.",
            hint=f'Add STORAGES["{app_settings.STORAGE}"], a private folder or bucket.',
            id="engagement.W002",
        )


def _surroundings() -> Messages:
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


@register("engagement", Tags.database)
def check_placements(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the strategies which stored placements name exist."""
    if not databases or Placement.objects.db not in databases:
        return []
    known = [*app_settings.RECOMMENDERS, *BUILT_IN]
    try:
        rows = list(Placement.objects.filter(is_active=True).order_by("channel", "name"))
    except Exception:
        # Before the first migrate there is nothing to check.
        return []
    return [
        Warning(
            f"The placement {row.name} names the strategy {strategy!r}, which does not exist.",
            hint=_suggestion(str(strategy), known),
            obj=row,
            id="engagement.W004",
        )
        for row in rows
        for strategy in row.strategies or ()
        if strategy not in known
    ]
