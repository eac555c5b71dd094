"""Why an item is on a shelf, in words and in numbers that add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.serving import attributions
from engagement.flows.serving.candidates import EXPLORED, PINNED, Candidate, Reason
from engagement.flows.serving.placements import BEST_SELLERS, NEWEST, RECENTLY_VIEWED
from engagement.flows.serving.strategies import Evidence, Ranking
from engagement.flows.serving.visit import Visit
from engagement.learning.interactions import Float32


def of(
    visit: Visit, chosen: Sequence[tuple[Candidate, bool]], *, explain: bool
) -> list[tuple[Reason, ...]]:
    """
    Return why each of ``chosen`` (with whether it is pinned) is shown: the main reason, or every
    one with ``explain``.

    The weights of all reasons of an item add up to its score.
    """
    if not explain and all(candidate.why for candidate, _ in chosen):
        return [(_pinned(one.why) if pinned else one.why,) for one, pinned in chosen if one.why]
    parts = _parts([candidate for candidate, _ in chosen])
    return [
        _reasons(visit, candidate, parts[place], pinned=pinned, explain=explain)
        for place, (candidate, pinned) in enumerate(chosen)
    ]


def _pinned(why: Reason) -> Reason:
    return why if why.code == "pin" else Reason("pin", _("Chosen by the shop"))


# What a model says of one item: what each past event adds, or what each of its features does.
Parts = Float32 | dict[str, float]


def _parts(candidates: Sequence[Candidate]) -> list[Parts | None]:
    """Return what each past event, else each feature, adds to each candidate, if that is known."""
    parts: list[Parts | None] = [None] * len(candidates)
    places: dict[Ranking, list[int]] = {}
    for place, candidate in enumerate(candidates):
        if candidate.ranking is not None and candidate.ranking.evidence:
            places.setdefault(candidate.ranking, []).append(place)
    for ranking, some in places.items():
        if ranking.served is None or ranking.histories is None:
            continue
        recommender = ranking.served.recommender
        columns = [candidates[place].column for place in some]
        try:
            found: Sequence[Parts | None] = recommender.explain_each(ranking.histories, columns)
            if all(one is None for one in found):
                found = recommender.attribute(ranking.histories, columns) or found
        except Exception:
            faults.report(f"explain:{ranking.strategy}", "%r cannot say why", ranking.strategy)
            continue
        for place, part in zip(some, found, strict=True):
            parts[place] = part
    return parts


def _reasons(
    visit: Visit, candidate: Candidate, parts: Parts | None, *, pinned: bool, explain: bool
) -> tuple[Reason, ...]:
    if isinstance(parts, dict):
        found = _attributed(candidate, parts)
    else:
        found = _contributions(visit, candidate, parts, most=None if explain else 1)
    found = found or [_plain(visit, candidate)]
    if pinned and found[0].code != "pin":
        found.insert(0, Reason("pin", _("Chosen by the shop")))
    if not explain:
        return tuple(found[:1])
    return (*found, *_multiplied(candidate, sum(reason.weight for reason in found)))


def _multiplied(candidate: Candidate, explained: float) -> list[Reason]:
    """Return what is left between the model's own score and the item's: it was multiplied."""
    found = []
    worth_of_it = explained * (candidate.worth - 1.0)
    if candidate.worth != 1.0:
        found.append(Reason("worth", _("What the shop earns by it"), worth_of_it))
    if candidate.factor != 1.0:
        left = candidate.score - explained - worth_of_it
        found.append(Reason("rule", _("Raised or lowered by the shop"), left))
    return found


def _attributed(candidate: Candidate, parts: dict[str, float]) -> list[Reason]:
    ranking = candidate.ranking
    if ranking is None or ranking.served is None:
        return []
    return attributions.reasons_of(
        parts,
        ranking.served.recommender,
        key=candidate.key,
        is_known=any(one.key == candidate.key for one in ranking.evidence),
    )


def _contributions(
    visit: Visit, candidate: Candidate, parts: Float32 | None, *, most: int | None
) -> list[Reason]:
    """Return what each item of the visitor's past or of the page adds, largest first."""
    if candidate.ranking is None or parts is None:
        return []
    keys, numbers = candidate.ranking.evidence_keys
    added = np.bincount(numbers, weights=parts, minlength=len(keys))
    spoken = np.bincount(numbers, weights=parts != 0, minlength=len(keys)) > 0
    order = np.argsort(np.where(spoken, -added, np.inf), kind="stable")[: int(spoken.sum())]
    found = []
    for place in order[:most].tolist():
        # The same item may have been viewed and bought: the stronger act names the reason.
        acts = np.where((numbers == place) & (parts != 0), parts, -np.inf)
        evidence = candidate.ranking.evidence[int(np.argmax(acts))]
        found.append(_reason(visit, candidate, evidence, float(added[place])))
    return found


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
    source = candidate.source
    weight = candidate.score / ((candidate.factor * candidate.worth) or 1.0)
    if source == PINNED:
        return Reason("pin", _("Chosen by the shop"))
    if source == EXPLORED:
        return Reason("new", _("New in the shop"))
    if source == RECENTLY_VIEWED:
        return Reason("viewed", _("You looked at this before"), weight, candidate.key)
    if source == NEWEST:
        return Reason("new", _("New in the shop"), weight)
    spec = app_settings.RECOMMENDERS.get(source, {})
    if source == BEST_SELLERS or spec.get("INPUT") == "nothing":
        return Reason("popular", _("Bought often this week"), weight)
    if spec.get("INPUT") != "context" and candidate.key in visit.history.bought:
        return Reason("again", _("You bought this before"), weight, candidate.key)
    if candidate.ranking is not None and candidate.ranking.served is not None:
        said = attributions.said_by(candidate.ranking.served.recommender)
        if said:
            return Reason(*said, weight)
    return Reason("model", _("Picked for you"), weight)
