"""The adapter, and the models that settings name for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.checks import Error, Warning
from django.core.exceptions import FieldDoesNotExist
from django.utils.module_loading import import_string

from engagement.adapters import ModelAdapter, ShopAdapter
from engagement.checks.hints import Messages, suggestion
from engagement.conf import app_settings


def adapter() -> Messages:
    path = app_settings.ADAPTER
    try:
        answers = import_string(path)()
    except Exception as error:
        yield Error(
            f"The adapter {path!r} cannot be built: {error}.",
            hint="ENGAGEMENT['ADAPTER'] is the dotted path of a class without arguments.",
            id="engagement.E002",
        )
        return
    if not isinstance(answers, ShopAdapter):
        yield Error(
            f"The adapter {path!r} is not a ShopAdapter.",
            hint="Subclass engagement.adapters.ShopAdapter: what it does not override is safe.",
            id="engagement.E002",
        )
    elif type(answers).resolve is ShopAdapter.resolve:
        yield Error(
            f"The adapter {path!r} has no method resolve().",
            hint="Without it no shelf can show the shop's products.",
            id="engagement.E002",
        )
    elif type(answers).resolve is ModelAdapter.resolve:
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
                hint=suggestion(first, [field.name for field in model._meta.get_fields()]),
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
