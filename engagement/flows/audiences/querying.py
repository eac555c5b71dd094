"""Ask a rule of the database: as a condition on ``VisitorProfile``."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import CharField, IntegerField, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Concat, StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)

from engagement.flows.audiences.bounds import whole
from engagement.flows.audiences.rules import All, Comparison, Not, Rule, Some, Taste, Truth
from engagement.flows.audiences.words import WORDS, Word
from engagement.models import VisitorTaste

LOOKUPS = {"<": "lt", "<=": "lte", "==": "exact", ">": "gt", ">=": "gte"}
EXPRESSIONS: dict[str, Any] = {
    "<": LessThan,
    "<=": LessThanOrEqual,
    "==": Exact,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}
# There are no days further back than this.
MOST_DAYS = 500_000

# Conditions, not empty ones: the opposite of an empty condition is an empty condition.
EVERYBODY = Q(pk__isnull=False)
NOBODY = Q(pk__in=())


def condition(rule: Rule, *, today: date) -> Q:
    """Return the condition that a profile's person is meant; days are counted back from today."""
    match rule:
        case All():
            found = EVERYBODY
            for one in rule.rules:
                found &= condition(one, today=today)
            return found
        case Some():
            found = NOBODY
            for one in rule.rules:
                found |= condition(one, today=today)
            return found
        case Not():
            return ~condition(rule.rule, today=today)
        case Truth():
            return Q(n_orders=0) if rule.word == "is_new" else Q(**{WORDS[rule.word].column: True})
        case Taste():
            return _taste(rule)
        case Comparison():
            return _comparison(rule, WORDS[rule.word], today)
    raise TypeError(f"{rule!r} is no rule")


def _comparison(rule: Comparison, word: Word, today: date) -> Q:
    if isinstance(rule.value, tuple):
        found = NOBODY
        for value in rule.value:
            found |= _one(word, "==", value, today)
        if rule.by == "in":
            return found
        return _there(word) & ~found
    return _one(word, rule.by, rule.value, today)


def _there(word: Word) -> Q:
    """Return that there is something to compare: days have no beginning before the first order."""
    return Q(**{f"{word.column}__isnull": False}) if word.type == "days" else EVERYBODY


def _one(word: Word, by: str, value: Decimal | str, today: date) -> Q:
    if by == "!=":
        return _there(word) & ~_one(word, "==", value, today)
    if isinstance(value, str) or word.type == "money":
        return Q(**{f"{word.column}__{LOOKUPS[by]}": value})
    bound = whole(by, value)
    if isinstance(bound, bool):
        return _there(word) if bound else NOBODY
    by, number = bound
    if word.type == "days":
        return _there(word) & _days(word.column, by, number, today)
    return Q(**{f"{word.column}__{LOOKUPS[by]}": number})


def _days(column: str, by: str, n: int, today: date) -> Q:
    """Days run the other way than dates; what lies after today is no day ago."""
    if by == "==":
        return _days(column, ">=", n, today) & _days(column, "<=", n, today)
    if by in (">", "<="):
        # More than n days is n + 1 and more; at most n days is its opposite.
        found = _at_least(column, n + 1, today)
        return found if by == ">" else ~found
    found = _at_least(column, n, today)
    return found if by == ">=" else ~found


def _at_least(column: str, n: int, today: date) -> Q:
    if n <= 0:
        return EVERYBODY
    if n > MOST_DAYS:
        return NOBODY
    return Q(**{f"{column}__lte": today - timedelta(days=n)})


def _taste(rule: Taste) -> Q:
    # Of 10,000, as it is stored.
    bound = whole(rule.by, rule.value * 10_000)
    if isinstance(bound, bool):
        return EVERYBODY if bound else NOBODY
    by, number = bound
    path = Concat(Value(" > "), "category", Value(" > "), output_field=CharField())
    through: Any = (
        VisitorTaste.objects.filter(visitor=OuterRef("pk"))
        .annotate(place=StrIndex(path, Value(f" > {rule.category} > ")))
        .filter(place__gt=0)
        .order_by()
        .values("visitor")
        .annotate(n=Sum("share"))
        .values("n")
    )
    share = Coalesce(Subquery(through, output_field=IntegerField()), 0)
    if by == "!=":
        return ~Q(Exact(share, number))
    return Q(EXPRESSIONS[by](share, number))
