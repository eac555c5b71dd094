"""What settings may name of a shop's models, looked at without asking the database."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import FieldError, ValidationError
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from engagement.adapters import accessors
from engagement.adapters.rows import rows_of
from engagement.checks.hints import Messages, suggestion


def absent(place: str, what: str, hint: str) -> CheckMessage:
    return Error(f"ENGAGEMENT{place}: {what}", hint=hint, id="engagement.E005")


def unusable(place: str, what: str, hint: str) -> CheckMessage:
    return Error(f"ENGAGEMENT{place}: {what}", hint=hint, id="engagement.E008")


def unknown_parts(place: str, names: Mapping[str, Any], known: Collection[str]) -> Messages:
    for part in names:
        if part not in known:
            yield Warning(
                f"ENGAGEMENT{place} has an unknown part {part!r}, which does nothing.",
                hint=suggestion(str(part), known),
                id="engagement.W001",
            )


def model_of(place: str, label: Any) -> tuple[Any, list[CheckMessage]]:
    """Return the model of a label, or None and what is wrong with it."""
    try:
        return apps.get_model(label), []
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        models = [one._meta.label for one in apps.get_models()]
        near = suggestion(str(label), models)
        hint = 'MODEL is "app_label.ModelName".'
        hint = f"{near} {hint}" if near.startswith("Did") else hint
        return None, [absent(place, str(error), hint)]


def accessor(place: str, given: Any, model: Any, also: Collection[str] = ()) -> Messages:
    """Check a way to a value: a path of names, or the dotted path of a function."""
    wrong = accessors.unknown(given, model, also)
    if wrong is not None:
        yield absent(
            place, f"{wrong.owner} has no {wrong.name!r}.", suggestion(wrong.name, wrong.known)
        )


def condition(place: str, given: Any, model: Any, also: Collection[str] = ()) -> Messages:
    """Check lookups, a Q, or a way to a value that is true or not."""
    if isinstance(given, Mapping | Q):
        yield from lookups(place, Q(**given) if isinstance(given, Mapping) else given, model)
    else:
        yield from accessor(place, given, model, also)


def lookups(place: str, where: Q, model: Any) -> Messages:
    try:
        model._default_manager.filter(where)
    except FieldError as error:
        wrong = next((one for key in _keys(where) if (one := _unknown_lookup(key, model))), None)
        if wrong is None:
            yield absent(place, str(error), "See the lookups of Django's querysets.")
            return
        name, owner = wrong
        known = [field.name for field in owner._meta.get_fields()]
        yield absent(place, f"{owner.__name__} has no {name!r}.", suggestion(name, known))
    except (TypeError, ValueError, ValidationError) as error:
        yield unusable(place, f"{error}", "Give the field a value that it can hold.")


def _keys(where: Q) -> Iterator[str]:
    for child in where.children:
        if isinstance(child, Q):
            yield from _keys(child)
        elif isinstance(child, tuple):
            yield str(child[0])


def _unknown_lookup(key: str, model: Any) -> tuple[str, Any] | None:
    """Return the name in a lookup that a model does not have, and the model."""
    for name in key.split("__"):
        found = accessors.field(model, name)
        if found is None:
            return name, model
        if not found.is_relation or found.related_model is None:
            # What follows is of the column: lt, date, a key in JSON.
            return None
        model = found.related_model
    return None


def rows(place: str, given: Any, model: Any) -> tuple[frozenset[str], list[CheckMessage]]:
    """Check a queryset; return what it adds to its rows, and what is wrong with it."""
    if not given:
        return frozenset(), []
    hint = "Name a manager, a method of one, or a function that returns a QuerySet."
    try:
        found = rows_of(given, model)(None)
    except DatabaseError:
        # A function that asks the database cannot be looked at here.
        return frozenset(), []
    except ImportError as error:
        return frozenset(), [absent(place, str(error), hint)]
    except Exception as error:
        return frozenset(), [unusable(place, f"{given} fails: {error!r}.", hint)]
    if not isinstance(found, QuerySet) or not issubclass(found.model, model):
        what = f"{given} gives {type(found).__name__}, not rows of {model.__name__}."
        return frozenset(), [unusable(place, what, hint)]
    if found.query.is_sliced:
        return frozenset(), [unusable(place, f"{given} is cut off: no row can be looked up.", hint)]
    return frozenset(found.query.annotations), []


def of_request(name: str, given: Any) -> Messages:
    """Check a way from the request, as far as it can be known without one."""
    if not given or callable(given):
        return
    place = f"[{name!r}]"
    hint = 'Name a way from the request ("customer.pk") or a function of it ("shop.people.who").'
    if not isinstance(given, str):
        yield unusable(place, f"{given!r} is no name.", hint)
        return
    try:
        found = import_string(given)
    except ImportError as error:
        if "." in given and _is_module(given.partition(".")[0]):
            yield absent(place, f"{error}.", hint)
        return
    if not callable(found):
        yield unusable(place, f"{given} is no function.", hint)


def function(place: str, given: Any) -> Messages:
    """Check the dotted path of a function."""
    if not given or callable(given):
        return
    try:
        found = import_string(str(given))
    except ImportError as error:
        yield absent(place, f"{error}.", "Name a function by its dotted path.")
        return
    if not callable(found):
        yield unusable(place, f"{given} is no function.", "Name a function by its dotted path.")


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
