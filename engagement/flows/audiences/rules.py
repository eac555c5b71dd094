"""What a rule is once it is read: a small tree, which the database and Python answer alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Union

Constant = Decimal | str
# A Decimal for numbers, a text, or several of one of them for "in".
Compared = Constant | tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A word that is yes or no by itself."""

    word: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``word`` against a constant by "<", "<=", "==", "!=", ">", ">=", "in" or "not in"."""

    word: str
    by: str
    value: Compared


@dataclass(frozen=True, slots=True)
class Taste:
    """The share of a category against a number."""

    category: str
    by: str
    value: Decimal
    position: int = field(default=1, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    rule: Rule


@dataclass(frozen=True, slots=True)
class All:
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Some:
    rules: tuple[Rule, ...]


Rule = Union[Truth, Comparison, Taste, Not, All, Some]  # noqa: UP007  (it names itself)

EVERYBODY = All(())
