"""Rows of a shop's model, and conditions on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.manager import BaseManager
from django.http import HttpRequest
from django.utils.module_loading import import_string

from engagement.adapters import accessors

OPTIONAL = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
Rows = Callable[[HttpRequest | None], QuerySet[Any]]


def rows_of(given: Any, model: Any) -> Rows:
    """
    Return the function that gives rows of a model: a manager, a method of one, or the shop's own.

    A function that needs an argument is given the request: None where nobody is asking.
    """
    if not given:
        return lambda request: model._default_manager.all()
    if isinstance(given, str) and accessors.has(model, given.partition(".")[0]):
        names = given.split(".")

        def managed(request: HttpRequest | None) -> QuerySet[Any]:
            rows: Any = model
            for name in names:
                rows = getattr(rows, name)
                rows = rows if isinstance(rows, BaseManager) else rows()
            found: QuerySet[Any] = rows.all() if isinstance(rows, BaseManager) else rows
            return found

        return managed
    function = import_string(given) if isinstance(given, str) else given
    needed = inspect.signature(function).parameters.values()
    if any(one.default is one.empty and one.kind not in OPTIONAL for one in needed):
        return lambda request: function(request)
    return lambda request: function()


class Condition(NamedTuple):
    """What must hold of a row: as the database can say it, or as its object does."""

    where: Q
    ask: accessors.Reader | None = None

    def holds(self, obj: Any) -> bool:
        """Return what the object says; the database has been asked for the rest."""
        return self.ask is None or bool(self.ask(obj))


def condition(given: Any, model: Any) -> Condition:
    """
    Return the condition that settings give: lookups, a Q, the name of a yes-or-no field, or
    anything else that an object can be asked.
    """
    if not given:
        return Condition(Q())
    if isinstance(given, Mapping):
        return Condition(Q(**given))
    if isinstance(given, Q):
        return Condition(given)
    if isinstance(given, str) and isinstance(accessors.field(model, given), BooleanField):
        return Condition(Q(**{given: True}))
    return Condition(Q(), accessors.reader(given, model))
