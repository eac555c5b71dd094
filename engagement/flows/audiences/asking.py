"""Ask a rule of one visitor, in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from engagement.flows.audiences.reading import read
from engagement.flows.audiences.rules import All, Comparison, Not, Rule, Some, Taste, Truth
from engagement.flows.audiences.words import WORDS
from engagement.flows.profiles.profile import Profile, taste_of

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, some: value in some,
    "not in": lambda value, some: value not in some,
}


def holds(text: str, profile: Profile) -> bool:
    """Return whether a visitor is meant by a rule; raises ``reading.CannotRead``."""
    return answer(read(text), profile)


def answer(rule: Rule, profile: Profile) -> bool:
    match rule:
        case All():
            return all(answer(one, profile) for one in rule.rules)
        case Some():
            return any(answer(one, profile) for one in rule.rules)
        case Not():
            return not answer(rule.rule, profile)
        case Truth():
            return bool(WORDS[rule.word].ask(profile))
        case Taste():
            share = taste_of(profile.tastes, rule.category)
            return COMPARE[rule.by](Decimal(share), rule.value * 10_000)
        case Comparison():
            value = WORDS[rule.word].ask(profile)
            # With nothing there is nothing to compare: every comparison is false.
            return value is not None and COMPARE[rule.by](value, rule.value)
    raise TypeError(f"{rule!r} is no rule")
