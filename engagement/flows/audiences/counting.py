"""Whom a rule means, counted; and whether it may be kept at all."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.flows.audiences.querying import condition
from engagement.flows.audiences.reading import CannotRead, read
from engagement.flows.audiences.rules import All, Not, Rule, Some, Taste
from engagement.models import Item, VisitorProfile


@dataclass(frozen=True, slots=True)
class Fit:
    """How many of the visitors that are known a rule means, as of their profiles."""

    n: int
    of: int

    @property
    def share(self) -> float:
        return self.n / self.of if self.of else 0.0


def check(*texts: str, channel: str, at: datetime) -> Fit:
    """
    Return how many visitors all rules together mean; three queries.

    Raises CannotRead where one cannot be read, names a category that the catalogue does not have,
    or cannot be answered by the database.
    """
    rules = [read(text) for text in texts]
    for taste in (taste for rule in rules for taste in _tastes(rule)):
        _require_category(taste, channel)
    profiles = VisitorProfile.objects.filter(channel=channel)
    wanted = profiles.filter(condition(All(tuple(rules)), today=timezone.localdate(at)))
    try:
        with transaction.atomic():
            return Fit(wanted.count(), profiles.count())
    except DatabaseError:
        raise CannotRead(_("The database cannot answer this rule.")) from None


def _tastes(rule: Rule) -> Iterator[Taste]:
    match rule:
        case Taste():
            yield rule
        case Not():
            yield from _tastes(rule.rule)
        case All() | Some():
            for one in rule.rules:
                yield from _tastes(one)


def _require_category(taste: Taste, channel: str) -> None:
    paths = Item.objects.of_channel(channel).exclude(category="").order_by()
    known = sorted(set(_names(paths.values_list("category", flat=True).distinct())))
    # A catalogue without categories, or none yet, cannot say.
    if not known or taste.category in known:
        return
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(taste.category.casefold(), folded, n=1, cutoff=0.5)
    if near:
        message = _("There is no category “%(name)s”; did you mean “%(near)s”?")
        raise CannotRead(
            message % {"name": taste.category, "near": folded[near[0]]}, taste.position
        )
    raise CannotRead(
        _("There is no category “%(name)s”.") % {"name": taste.category}, taste.position
    )


def _names(paths: Iterable[str]) -> Iterator[str]:
    """Yield every stretch of every path: “Food > Fruit” is Food, Fruit and Food > Fruit."""
    for path in paths:
        parts = path.split(" > ")
        for start in range(len(parts)):
            for end in range(start + 1, len(parts) + 1):
                yield " > ".join(parts[start:end])
