"""One row of a moderator's queue, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from engagement.flows.reviews.queue_kinds import OPEN
from engagement.models import (
    Item,
    ModerationDecision,
    ReviewAnalysis,
    ReviewEdit,
    ReviewPicture,
    ReviewReport,
    SubjectKind,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters ``start`` to ``end`` (not included) of ``field``: "title" or "body"."""

    field: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Suspicion:
    """One flag of an analysis. ``confidence`` lies in 0 … 1, or is None where nobody knows."""

    code: str
    stored: Mapping[str, Any]
    confidence: float | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """What else is known of whoever wrote something. Counts are of reviews, by status."""

    visitor: int
    published: int = 0
    rejected: int = 0
    waiting: int = 0

    @property
    def total(self) -> int:
        return self.published + self.rejected + self.waiting


@dataclass(frozen=True, slots=True)
class Twin:
    """Another text that is nearly the same."""

    ref: str
    title: str
    body: str
    author_name: str
    item_title: str
    at: datetime
    is_same_author: bool


@dataclass(slots=True)
class Entry:
    """One row of the queue with all that belongs to it."""

    kind: SubjectKind
    key: str
    at: datetime
    status: str
    title: str = ""
    body: str = ""
    rating: int | None = None
    language: str = ""
    author_name: str = ""
    item: Item | None = None
    row: Any = None
    verified: bool = False
    # What an answer answers, or what a picture belongs to.
    about: str = ""
    url: str = ""
    source: str = ""
    reply: str = ""
    reasons: Sequence[str] = ()
    n_reports: int = 0
    author: Author | None = None
    analysis: ReviewAnalysis | None = None
    label: str = ""
    # What a person said of its aspects.
    aspect_labels: dict[str, str] = field(default_factory=dict)
    flags: list[Suspicion] = field(default_factory=list)
    pictures: list[ReviewPicture] = field(default_factory=list)
    twins: list[Twin] = field(default_factory=list)
    decisions: list[ModerationDecision] = field(default_factory=list)
    edits: list[ReviewEdit] = field(default_factory=list)
    reports: list[ReviewReport] = field(default_factory=list)

    @property
    def ref(self) -> str:
        """What forms and addresses call it."""
        return f"{self.kind.value}:{self.key}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def sentiment(self) -> str:
        """What a person says it is, or else what the model does."""
        return self.label or (self.analysis.sentiment if self.analysis else "")

    @property
    def probability(self) -> float | None:
        """How sure the model is of what it says."""
        if self.analysis is None:
            return None
        found = getattr(self.analysis, f"p_{self.analysis.sentiment}", None)
        return None if found is None else float(found)


def is_key(text: str) -> bool:
    """Return whether ``text`` can be the key of one of our own rows."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
