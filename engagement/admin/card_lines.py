"""The small parts of a row of the queue: flags, pictures and decisions in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import conditional_escape

from engagement.admin import links
from engagement.flows.understanding.aspect_names import aspect_name
from engagement.flows.understanding.flags.base import describe
from engagement.models import ModerationDecision, ReasonCode, ReviewPicture, Sentiment

CODES = frozenset(ReasonCode.values)


@dataclass(frozen=True, slots=True)
class FlagLine:
    """A flag in words. ``percent`` is how sure whoever raised it is, or None."""

    code: str
    name: str
    why: str
    percent: int | None


@dataclass(frozen=True, slots=True)
class AspectLine:
    """How a text feels about an aspect. ``is_corrected``: a person said so."""

    aspect: str
    sentiment: str
    is_corrected: bool

    @property
    def name(self) -> str:
        return aspect_name(self.aspect)

    @property
    def label(self) -> str:
        return label_of(Sentiment, self.sentiment)


@dataclass(frozen=True, slots=True)
class PictureLine:
    """A picture of a review. ``is_entry``: it stands in the queue by itself."""

    ref: str
    url: str
    alt: str
    status: str
    is_open: bool
    is_entry: bool


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One decision in words."""

    text: str
    who: str
    at: Any
    reason: str
    note: str
    is_undone: bool


def picture_url(picture: ReviewPicture) -> str:
    """Return where moderators see a picture that nobody else sees yet."""
    try:
        return reverse("engagement:review-picture", args=[picture.key])
    except NoReverseMatch:  # A shop that serves pictures in a way of its own.
        return links.outside(picture.file.url)


def code_name(code: str) -> str:
    """Return what a reason or a flag is called; a code that nobody knows is its own name."""
    return label_of(ReasonCode, code)


def why(stored: Any) -> str:
    """Return in words why a flag was raised, where that says more than its name."""
    said = describe(stored)
    return "" if said == code_name(str(stored.get("code", ""))) else said


def who(decision: ModerationDecision) -> str:
    if decision.moderator is not None:
        return str(decision.moderator)
    return str(ModerationDecision.Actor(decision.actor).label)


@lru_cache(maxsize=128)
def reason_list(language: str, suggested: str) -> str:
    # The same few lists stand in every row of every page: translating and escaping them each time
    # would take half the time of the page.
    context = {"reasons": reasons(), "suggested": suggested}
    return render_to_string("admin/engagement/moderation/reasons.html", context)


def reasons() -> Sequence[tuple[str, str]]:
    """Return what a rejection may give as its reason."""
    return [(str(value), str(label)) for value, label in ReasonCode.choices]


def label_of(choices: Any, value: str) -> str:
    try:
        return str(choices(value).label)
    except ValueError:
        return str(conditional_escape(value))
