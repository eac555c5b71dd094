"""
How settings say where a value is: a name, a path of names, or a function.

``"name"`` is a field, property or method of the object. ``"genre.name"`` goes on from there: along
relations, into the keys of JSON and through methods without arguments. Of many related objects,
``"photos.first.url"`` is that of the first and ``"tags.name"`` the list of all.
``"shop.catalogue.title_of"``, whose first name the model does not have, is a function of the
object; so is anything that can be called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist
from django.db.models import prefetch_related_objects
from django.db.models.manager import BaseManager
from django.utils.module_loading import import_string

Accessor = str | Callable[[Any], Any]
Reader = Callable[[Any], Any]


def reader(accessor: Accessor | None, model: Any) -> Reader:
    """Return the function that an accessor stands for; one that always says None for none."""
    if not accessor:
        return lambda obj: None
    if callable(accessor):
        return accessor
    if "." in accessor and not has(model, accessor.partition(".")[0]):
        function: Reader = import_string(accessor)
        return function
    names = accessor.split(".")
    return lambda obj: follow(obj, names)


def follow(obj: Any, names: Iterable[str]) -> Any:
    """Return ``obj.a.b`` for the names a, b; None where a part of the way is empty."""
    for name in names:
        obj = _step(obj, name)
        if obj is None:
            return None
    return obj


def _step(obj: Any, name: str) -> Any:
    if isinstance(obj, Mapping):
        return obj.get(name)
    if isinstance(obj, BaseManager):
        # What was prefetched is used; Manager.first() would ask again.
        if name == "first":
            return next(iter(obj.all()), None)
        # What the manager itself can do, unless the objects have something of this name.
        if not has(obj.model, name) and hasattr(obj, name):
            return _called(getattr(obj, name))
        obj = _with_relation(list(obj.all()), name)
    if isinstance(obj, list):
        return [value for one in obj if (value := _step(one, name)) is not None]
    try:
        return _called(getattr(obj, name, None))
    except ObjectDoesNotExist:
        return None


def _called(value: Any) -> Any:
    # As in templates: managers are not called, and nothing that changes data is.
    if callable(value) and not getattr(value, "do_not_call_in_templates", False):
        return None if getattr(value, "alters_data", False) else value()
    return value


def _with_relation(objects: list[Any], name: str) -> list[Any]:
    """Return objects with a relation of theirs, fetched for all of them at once."""
    relation = field(objects[0], name) if objects else None
    if relation is not None and relation.is_relation and relation.name == name:
        prefetch_related_objects(objects, name)
    return objects


def has(model: Any, name: str) -> bool:
    """Return whether objects of a model have something of this name."""
    return name == "pk" or hasattr(model, name) or field(model, name) is not None


def field(model: Any, name: str) -> Any:
    """Return a model's field or relation, by its own name or by that of its column."""
    if name == "pk":
        return model._meta.pk
    try:
        return model._meta.get_field(name)
    except FieldDoesNotExist:
        return None


def many(model: Any, name: str) -> Any:
    """Return the model at the other end of what is reached as ``obj.name.all()``, or None."""
    descriptor = getattr(model, name, None)
    # A reverse relation's accessor may have another name than its query.
    relation = getattr(descriptor, "rel", None)
    if relation is None or not hasattr(descriptor, "related_manager_cls"):
        return None
    is_forward = not getattr(descriptor, "reverse", True) or hasattr(
        relation.field, "object_id_field_name"
    )
    return relation.model if is_forward else relation.related_model


class Related(NamedTuple):
    """What to fetch along with objects, so that reading them asks nothing more."""

    select: tuple[str, ...]
    prefetch: tuple[str, ...]


def related(model: Any, accessors: Iterable[Accessor | None]) -> Related:
    """Return which relations the paths among the accessors go along."""
    select: dict[str, None] = {}
    prefetch: dict[str, None] = {}
    for accessor in accessors:
        if isinstance(accessor, str) and has(model, accessor.partition(".")[0]):
            found, is_many = _way(model, accessor.split("."))
            if found:
                (prefetch if is_many else select)["__".join(found)] = None
    return Related(tuple(select), tuple(prefetch))


def _way(model: Any, names: list[str]) -> tuple[list[str], bool]:
    """Return the relations at the beginning of a path, and whether they lead to many."""
    found: list[str] = []
    is_many = False
    for name in names:
        if is_many and name == "first":
            continue
        other = many(model, name)
        if other is not None:
            is_many = True
        else:
            relation = field(model, name)
            if relation is None or not relation.is_relation or relation.name != name:
                break
            # A generic key leads to objects of any model: they can only be fetched separately.
            is_many = is_many or relation.related_model is None
            other = relation.related_model
        found.append(name)
        if other is None:
            break
        model = other
    return found, is_many


class Unknown(NamedTuple):
    """A name in an accessor that does not exist, and those that do."""

    name: str
    owner: str
    known: tuple[str, ...]


def unknown(accessor: object, model: Any, also: Iterable[str] = ()) -> Unknown | None:
    """Return what is wrong with an accessor, or None; ``also`` names what a queryset adds."""
    if not accessor or callable(accessor):
        return None
    if not isinstance(accessor, str):
        return Unknown(repr(accessor), model.__name__, _names(model))
    names = accessor.split(".")
    if names[0] in also:
        return None
    if len(names) > 1 and not has(model, names[0]):
        try:
            found = import_string(accessor)
        except ImportError:
            return Unknown(names[0], model.__name__, _names(model))
        return None if callable(found) else Unknown(accessor, model.__name__, _names(model))
    for name in names:
        if name == "first":
            continue
        if not has(model, name):
            return Unknown(name, model.__name__, _names(model))
        relation = field(model, name)
        next_model = many(model, name)
        if next_model is None and relation is not None and relation.name == name:
            next_model = relation.related_model if relation.is_relation else None
        if next_model is None:
            # A column, a property, a method: what it gives is not known before it is asked.
            return None
        model = next_model
    return None


def _names(model: Any) -> tuple[str, ...]:
    fields = [one.name for one in model._meta.get_fields()]
    own = [name for base in model.__mro__ for name in vars(base) if _is_of_the_shop(base, name)]
    return tuple(dict.fromkeys([*fields, *own]))


def _is_of_the_shop(base: type, name: str) -> bool:
    return not name.startswith("_") and not base.__module__.startswith("django.")


@functools.cache
def of_request(accessor: Accessor) -> Reader:
    """
    Return the function that an accessor of requests stands for.

    What middleware puts on a request is not known before there is one, so whatever can be imported
    is a function here: ``"shop.people.who"``, and otherwise ``"customer.pk"`` is a way to go.
    """
    if callable(accessor):
        return accessor
    try:
        found = import_string(accessor)
    except ImportError:
        names = accessor.split(".")
        return lambda request: follow(request, names)
    function: Reader = found
    return function
