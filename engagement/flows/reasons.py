"""Why an item is on a shelf, in words and in numbers that add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.placements import BEST_SELLERS, NEWEST, RECENTLY_VIEWED
from engagement.flows.pool import PINNED, Candidate
from engagement.flows.strategies import Evidence, Ranking
from engagement.flows.visit import Visit
from engagement.learning.interactions import Float32


@dataclass(frozen=True, slots=True)
class Reason:
    """One contribution to a score. ``key`` is the item it comes from, if one."""

    code: str
    text: str
    weight: float = 0.0
    key: str = ""


def of(
    visit: Visit, chosen: Sequence[tuple[Candidate, bool]], *, explain: bool
) -> list[tuple[Reason, ...]]:
    """
    Return why each of ``chosen`` (with whether it is pinned) is shown: the main reason, or every
    one with ``explain``.

    The weights of all reasons of an item add up to its score.
    """
    parts = _parts([candidate for candidate, _ in chosen])
    return [
        _reasons(visit, candidate, parts[place], pinned=pinned, explain=explain)
        for place, (candidate, pinned) in enumerate(chosen)
    ]


def _parts(candidates: Sequence[Candidate]) -> list[Float32 | None]:
    """Return what each past event adds to each candidate, where the model can say."""
    parts: list[Float32 | None] = [None] * len(candidates)
    places: dict[Ranking, list[int]] = {}
    for place, candidate in enumerate(candidates):
        if candidate.ranking is not None and candidate.ranking.evidence:
            places.setdefault(candidate.ranking, []).append(place)
    for ranking, some in places.items():
        if ranking.served is None or ranking.histories is None:
            continue
        columns = [candidates[place].column for place in some]
        try:
            found = ranking.served.recommender.explain_each(ranking.histories, columns)
        except Exception:
            faults.report(f"explain:{ranking.strategy}", "%r cannot say why", ranking.strategy)
            continue
        for place, part in zip(some, found, strict=True):
            parts[place] = part
    return parts


def _reasons(
    visit: Visit, candidate: Candidate, parts: Float32 | None, *, pinned: bool, explain: bool
) -> tuple[Reason, ...]:
    found = _contributions(visit, candidate, parts, most=None if explain else 1)
    found = found or [_plain(visit, candidate)]
    if pinned and found[0].code != "pin":
        found.insert(0, Reason("pin", _("Chosen by the shop")))
    if not explain:
        return tuple(found[:1])
    unexplained = candidate.score - sum(reason.weight for reason in found)
    if candidate.factor != 1.0:
        found.append(Reason("rule", _("Raised or lowered by the shop"), unexplained))
    return tuple(found)


def _contributions(
    visit: Visit, candidate: Candidate, parts: Float32 | None, *, most: int | None
) -> list[Reason]:
    """Return what each item of the visitor's past or of the page adds, largest first."""
    if candidate.ranking is None or parts is None:
        return []
    added: dict[str, float] = {}
    strongest: dict[str, tuple[float, Evidence]] = {}
    for evidence, part in zip(candidate.ranking.evidence, parts.tolist(), strict=True):
        if part:
            added[evidence.key] = added.get(evidence.key, 0.0) + part
            # The same item may have been viewed and bought: the stronger act names the reason.
            if evidence.key not in strongest or part > strongest[evidence.key][0]:
                strongest[evidence.key] = (part, evidence)
    largest = sorted(added, key=lambda key: -added[key])[:most]
    return [_reason(visit, candidate, strongest[key][1], added[key]) for key in largest]


def _reason(visit: Visit, candidate: Candidate, evidence: Evidence, weight: float) -> Reason:
    title = evidence.title or visit.title(evidence.key)
    ranking = candidate.ranking
    if evidence.key == candidate.key:
        return Reason("again", _again(evidence.verb), weight, evidence.key)
    if not title:
        return Reason(evidence.verb, _("Goes well with what you chose"), weight, evidence.key)
    text = _text(evidence.verb, ranking) % {"title": title}
    return Reason(evidence.verb, text, weight, evidence.key)


def _again(verb: str) -> str:
    return _("You bought this before") if verb == "purchase" else _("You looked at this before")


def _text(verb: str, ranking: Ranking | None) -> str:
    match verb:
        case "purchase":
            return _("Because you bought %(title)s")
        case "add_to_cart":
            return _("Because you put %(title)s into the cart")
        case "add_to_wishlist":
            return _("Because you saved %(title)s")
        case "cart":
            return _("Goes with %(title)s in your cart")
        case "context":
            bought = ranking is not None and _learns_from_orders(ranking.strategy)
            if bought:
                return _("Often bought together with %(title)s")
            return _("Chosen by others who liked %(title)s")
    return _("Because you looked at %(title)s")


def _learns_from_orders(alias: str) -> bool:
    spec = app_settings.RECOMMENDERS.get(alias, {})
    return bool(spec.get("GROUP_BY") == "order")


def _plain(visit: Visit, candidate: Candidate) -> Reason:
    """Return the reason that a whole strategy has."""
    source, weight = candidate.source, candidate.score / (candidate.factor or 1.0)
    if source == PINNED:
        return Reason("pin", _("Chosen by the shop"))
    if source == RECENTLY_VIEWED:
        return Reason("viewed", _("You looked at this before"), weight, candidate.key)
    if source == NEWEST:
        return Reason("new", _("New in the shop"), weight)
    spec = app_settings.RECOMMENDERS.get(source, {})
    if source == BEST_SELLERS or spec.get("INPUT") == "nothing":
        return Reason("popular", _("Bought often this week"), weight)
    if candidate.key in visit.history.bought:
        return Reason("again", _("You bought this before"), weight, candidate.key)
    return Reason("model", _("Picked for you"), weight)
