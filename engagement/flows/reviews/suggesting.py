"""What to begin a reply with: a template in the review's language about what it complains of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils import translation

from engagement.flows.reviews.entry import Entry
from engagement.flows.understanding.aspect_names import aspect_name
from engagement.flows.understanding.aspects import CLEAR
from engagement.models import ReplyTemplate, Sentiment

POLARITIES = {"negative": -1.0, "neutral": 0.0, "positive": 1.0}


@dataclass(frozen=True, slots=True)
class Complaint:
    """An aspect that a review speaks badly of, with the words that say so."""

    aspect: str
    polarity: float
    quote: str

    @property
    def name(self) -> str:
        return aspect_name(self.aspect)


def complaints(entry: Entry) -> list[Complaint]:
    """Return what a review is displeased about, the worst first."""
    stored = entry.analysis.aspects if entry.analysis is not None else []
    found = [
        Complaint(str(one.get("aspect", "")), polarity, str(one.get("quote", "")))
        for one in stored
        if isinstance(one, dict) and (polarity := _polarity(one.get("polarity"))) < 0
    ]
    return sorted(found, key=lambda one: one.polarity)


def felt_about(entry: Entry) -> dict[str, Sentiment]:
    """Return how a text feels about each aspect that it names: a person's word, or the model's."""
    stored = entry.analysis.aspects if entry.analysis is not None else []
    felt: dict[str, list[float]] = {}
    for one in stored:
        if isinstance(one, dict) and one.get("aspect"):
            felt.setdefault(str(one["aspect"]), []).append(_polarity(one.get("polarity")))
    said = entry.aspect_labels
    return {
        aspect: Sentiment(said[aspect]) if aspect in said else _feeling(sum(them) / len(them))
        for aspect, them in felt.items()
    }


def _feeling(polarity: float) -> Sentiment:
    if abs(polarity) < CLEAR:
        return Sentiment.NEUTRAL
    return Sentiment.POSITIVE if polarity > 0 else Sentiment.NEGATIVE


def _polarity(stored: Any) -> float:
    if isinstance(stored, str):
        return POLARITIES.get(stored, 0.0)
    return float(stored) if isinstance(stored, int | float) else 0.0


def templates(channel: str) -> list[ReplyTemplate]:
    """Return a shop's templates that are in use. One statement."""
    rows = ReplyTemplate.objects.filter(channel=channel, is_active=True)
    return list(rows.order_by("language", "aspect", "name", "pk"))


def suggest(entry: Entry, known: Sequence[ReplyTemplate]) -> list[ReplyTemplate]:
    """
    Return the templates in the language of ``entry``, the most fitting first: about its worst
    complaint, its next one …, then those for anything. Empty where no template speaks it.
    """
    spoken = [one for one in known if _primary(one.language) == _primary(entry.language)]
    rank = {
        complaint.aspect.casefold(): place
        for place, complaint in reversed(list(enumerate(complaints(entry))))
    }

    def fitting(template: ReplyTemplate) -> tuple[int, int, str]:
        aspect = template.aspect.casefold()
        if aspect in rank:
            return 0, rank[aspect], template.name
        return (1, 0, template.name) if not aspect else (2, 0, template.name)

    return sorted(spoken, key=fitting)


def _primary(language: str) -> str:
    return language.replace("_", "-").split("-")[0].casefold()


def fill(template: ReplyTemplate, entry: Entry) -> str:
    """Return the words of ``template`` for this review."""
    return template.fill(values(entry, template))


def values(entry: Entry, template: ReplyTemplate) -> Mapping[str, str]:
    worst = next(iter(complaints(entry)), None)
    aspect = template.aspect or (worst.aspect if worst else "")
    # In the language of the reply, which the moderator need not speak.
    with translation.override(_spoken(template.language)):
        named = aspect_name(aspect)
    return {
        "author": entry.author_name,
        "item": entry.item.title if entry.item is not None else "",
        "aspect": named,
    }


def _spoken(language: str) -> str | None:
    """Return the site's code of a language; None, the source language, where it has none."""
    try:
        return translation.get_supported_language_variant(language)
    except LookupError:
        return None


def count_use(pk: int) -> None:
    """Remember that a reply began with a template."""
    ReplyTemplate.objects.filter(pk=pk).update(n_used=F("n_used") + 1)
