"""What a learnt ranker listens to, feature by feature, as sentences that a visitor may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from engagement.flows.serving.candidates import Reason
from engagement.learning.recommenders.members import MEMBERS

# What the members of a blend go by, from the names of their classes.
_KINDS = {
    "UserKNN": "people",
    "ContentSimilarity": "described",
    "TextSimilarity": "described",
    "MostPopular": "popular",
    "RegionPopular": "popular",
    "PopularByCategory": "popular",
    "RepeatPurchase": "again",
}
_WORDS_OF_ORDER = ("Session", "Sequence", "Next", "Transition", "SASRec")
# Themes that speak for an item by themselves: one of them is the main reason.
_MAIN = ("taste", "people", "described", "next", "again", "category", "price", "popular", "new")


def themes(parts: Mapping[str, float], recommender: Any) -> dict[str, float]:
    """Return what each theme adds to a score, the sums of its features; all sum to the score."""
    members = recommender.get_options().get("members") or MEMBERS
    kinds = {name: _kind(str(spec.get("BACKEND", ""))) for name, spec in members.items()}
    added: dict[str, float] = {}
    for feature, value in parts.items():
        theme = _theme(feature, kinds)
        added[theme] = added.get(theme, 0.0) + value
    return added


def reasons_of(
    parts: Mapping[str, float], recommender: Any, *, key: str, is_known: bool
) -> list[Reason]:
    """
    Return a reason a theme, the main one first; their weights sum to the score.

    ``is_known``: whether the visitor had to do with the item ``key`` before.
    """
    added = themes(parts, recommender)
    if not added:
        return []
    by_size = sorted(added, key=lambda theme: -added[theme])
    main = [theme for theme in by_size if theme in _MAIN and added[theme] > 0.0]
    if not is_known:
        main = [theme for theme in main if theme != "again"]
    order = [*main[:1], *(theme for theme in by_size if theme not in main[:1])]
    found = [Reason(theme, _text(theme, is_known), added[theme]) for theme in order]
    if not main:
        # Nothing speaks for it alone: together the features put it here.
        found.insert(0, Reason("model", _("Picked for you")))
    return [
        Reason(one.code, one.text, one.weight, key) if one.code == "again" else one for one in found
    ]


def said_by(recommender: Any) -> tuple[str, str] | None:
    """Return code and words of what a whole model goes by, where that is more than taste."""
    kind = _kind(type(recommender).__name__)
    return (kind, _text(kind, is_known=False)) if kind in ("people", "described", "next") else None


def _kind(backend: str) -> str:
    name = backend.rpartition(".")[2]
    if name in _KINDS:
        return _KINDS[name]
    if any(word in name for word in _WORDS_OF_ORDER):
        return "next"
    return "popular" if "Popular" in name else "taste"


def _theme(feature: str, kinds: Mapping[str, str]) -> str:
    about, _dot, name = feature.partition(".")
    match about:
        case "score" | "standing":
            return kinds.get(name, "taste")
        case "item":
            return {"age": "new", "price": "price", "repeat_rate": "loyal", "gap": "loyal"}.get(
                name, "popular"
            )
        case "pair":
            return {"category": "category", "price": "price"}.get(name, "again")
        case "visitor":
            return "visitor"
    return "start"


def _text(theme: str, is_known: bool) -> str:
    match theme:
        case "taste":
            return _("Goes well with what you chose")
        case "people":
            return _("Chosen by people with your taste")
        case "described":
            return _("Described like what you chose")
        case "next":
            return _("Others went on to this next")
        case "again":
            return _("You chose this before") if is_known else _("You have not had this yet")
        case "category":
            return _("From a category that you like")
        case "price":
            return _("How its price fits what you pay")
        case "popular":
            return _("Chosen by many lately")
        case "new":
            return _("How long it has been in the shop")
        case "loyal":
            return _("How often people come back for it")
        case "visitor":
            return _("How you shop in general")
    return _("Where every item begins")
