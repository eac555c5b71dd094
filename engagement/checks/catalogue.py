"""``CATALOGUE``: every name that it gives of the shop's products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning

from engagement.adapters import accessors
from engagement.adapters.looks import names_in
from engagement.checks import named
from engagement.checks.hints import Messages, suggestion

READ = ("TITLE", "TEXT", "PRICE", "CURRENCY", "IMAGE", "GROUP")
CATALOGUE = (
    *("MODEL", "TYPE", "KEY", "QUERYSET", "ACTIVE", "AVAILABLE", "PARENT", "VARIANTS"),
    *(*READ, "URL", "CATEGORY", "ATTRIBUTES", "CHANGED_AT"),
)
# What the mirror can hold of a type.
MAX_TYPE = 32


def catalogues(given: Sequence[Mapping[str, Any]]) -> Messages:
    if not given:
        yield nameless("CATALOGUE")
    for number, names in enumerate(given):
        place = "['CATALOGUE']" + (f"[{number}]" if len(given) > 1 else "")
        yield from _catalogue(place, names)
    types = Counter(str(names.get("TYPE") or "") for names in given)
    for item_type, n in types.items():
        if n > 1:
            yield named.unusable(
                "['CATALOGUE']",
                f"{n} models have the TYPE {item_type!r}: their keys would meet.",
                "Give each of them a TYPE of its own.",
            )


def nameless(setting: str) -> CheckMessage:
    return Warning(
        f"ENGAGEMENT[{setting!r}] names no MODEL, so no shelf can show anything.",
        hint="Name the shop's model, or an ADAPTER of your own; see docs/adapters.md.",
        id="engagement.W007",
    )


def _catalogue(place: str, names: Mapping[str, Any]) -> Messages:
    yield from named.unknown_parts(place, names, CATALOGUE)
    if not names.get("MODEL"):
        yield nameless("CATALOGUE")
        return
    model, wrong = named.model_of(f"{place}['MODEL']", names["MODEL"])
    yield from wrong
    if model is None:
        return
    also, wrong = named.rows(f"{place}['QUERYSET']", names.get("QUERYSET"), model)
    yield from wrong
    for part in READ:
        yield from named.accessor(f"{place}[{part!r}]", names.get(part), model, also)
    for part in ("ACTIVE", "AVAILABLE"):
        yield from named.condition(f"{place}[{part!r}]", names.get(part), model, also)
    yield from _url(f"{place}['URL']", names.get("URL"), model)
    yield from _category(f"{place}['CATEGORY']", names.get("CATEGORY"), model)
    for name, path in (names.get("ATTRIBUTES") or {}).items():
        yield from named.accessor(f"{place}['ATTRIBUTES'][{name!r}]", path, model, also)
    yield from _type(f"{place}['TYPE']", str(names.get("TYPE") or ""))
    yield from _key(f"{place}['KEY']", str(names.get("KEY") or "pk"), model)
    yield from _column(f"{place}['CHANGED_AT']", names.get("CHANGED_AT"), model)
    yield from _parent(f"{place}['PARENT']", names.get("PARENT"), model, model)
    yield from _variants(f"{place}['VARIANTS']", names.get("VARIANTS"), model)


def _url(place: str, given: Any, model: Any) -> Messages:
    if isinstance(given, str) and "{" in given:
        for path in names_in(given):
            yield from named.accessor(place, path, model)
    else:
        yield from named.accessor(place, given, model)


def _category(place: str, given: Any, model: Any) -> Messages:
    if not isinstance(given, Mapping):
        yield from named.accessor(place, given, model)
        return
    yield from named.unknown_parts(place, given, ("PATH", "NAME", "PARENT"))
    yield from named.accessor(f"{place}['PATH']", given.get("PATH"), model)
    relation = accessors.field(model, str(given.get("PATH") or ""))
    category = getattr(relation, "related_model", None)
    for part in ("NAME", "PARENT") if category is not None else ():
        yield from named.accessor(f"{place}[{part!r}]", given.get(part), category)


def _type(place: str, item_type: str) -> Messages:
    if len(item_type) > MAX_TYPE or ":" in item_type:
        hint = f"At most {MAX_TYPE} characters, without a colon."
        yield named.unusable(place, f"{item_type!r} cannot stand before a key.", hint)


def _key(place: str, name: str, model: Any) -> Messages:
    yield from _column(place, name, model)
    column = accessors.field(model, name)
    constraints = [tuple(one.fields) for one in model._meta.total_unique_constraints]
    if getattr(column, "concrete", False) and not column.unique and (name,) not in constraints:
        yield Warning(
            f"ENGAGEMENT{place}: two rows of {model.__name__} may have the same {name!r}.",
            hint="A key means one product: name a unique field, or make this one unique.",
            id="engagement.W013",
        )


def _column(place: str, name: Any, model: Any) -> Messages:
    if name and not getattr(accessors.field(model, str(name)), "concrete", False):
        columns = [field.name for field in model._meta.concrete_fields]
        yield named.absent(
            place, f"{model.__name__} has no field {name!r}.", suggestion(str(name), columns)
        )


def _variants(place: str, given: Any, model: Any) -> Messages:
    if not given:
        return
    if not isinstance(given, Mapping):
        hint = 'Write {"MODEL": "app.Variant", "PRODUCT": "product"}.'
        yield named.unusable(place, f"{given!r} is no dictionary.", hint)
        return
    yield from named.unknown_parts(place, given, ("MODEL", "PRODUCT", "KEY"))
    variant, wrong = named.model_of(f"{place}['MODEL']", given.get("MODEL"))
    yield from wrong
    if variant is not None:
        yield from _parent(f"{place}['PRODUCT']", given.get("PRODUCT") or "?", variant, model)
        yield from _column(f"{place}['KEY']", given.get("KEY"), variant)


def _parent(place: str, name: Any, model: Any, product: Any) -> Messages:
    """Check the foreign key that leads from a variant to its product."""
    if not name:
        return
    foreign = accessors.field(model, str(name))
    if not getattr(foreign, "many_to_one", False) or foreign.related_model is not product:
        keys = [
            field.name
            for field in model._meta.concrete_fields
            if field.many_to_one and field.related_model is product
        ]
        yield named.absent(
            place,
            f"{model.__name__} has no foreign key {name!r} to {product.__name__}.",
            suggestion(str(name), keys) if keys else "It needs one.",
        )
