"""What stands around a review in the queue: its flags, author, twins, history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from engagement.flows.reviews.entry import (
    Author,
    Entry,
    Evidence,
    Suspicion,
    Twin,
    is_key,
)
from engagement.flows.reviews.queue_kinds import OPEN
from engagement.models import (
    ModerationDecision,
    Post,
    Review,
    ReviewEdit,
    ReviewLabel,
    ReviewPicture,
    ReviewReport,
    Status,
    SubjectKind,
)

# More copies than this say nothing more.
MOST_TWINS = 3
MOST_REPORTS = 5


def complete(entries: Sequence[Entry]) -> None:
    """Fill in what belongs to ``entries``; the same statements for one as for a hundred."""
    for entry in entries:
        entry.flags = suspicions(entry)
    _authors(entries)
    _pictures(entries)
    _twins(entries)
    _decisions(entries)
    _labels(entries)
    _edits(entries)
    _reports(entries)


# -- flags ----------------------------------------------------------------------------------
def suspicions(entry: Entry) -> list[Suspicion]:
    """Return the flags of an analysis, the most certain first; other versions' are read too."""
    stored = entry.analysis.flags if entry.analysis is not None else []
    found = [_suspicion(entry, flag) for flag in stored if isinstance(flag, dict)]
    return sorted(found, key=lambda one: -(one.confidence or 0.0))


def _suspicion(entry: Entry, flag: Mapping[str, Any]) -> Suspicion:
    confidence = flag.get("confidence")
    return Suspicion(
        code=str(flag.get("code", "")),
        stored=flag,
        confidence=float(confidence) if isinstance(confidence, int | float) else None,
        evidence=tuple(_evidence(entry, flag.get("spans") or ())),
    )


def _evidence(entry: Entry, spans: Iterable[Any]) -> Iterable[Evidence]:
    """
    Positions are of the text that was analysed: title, line break, body. A text that was edited
    since keeps its marks only until it is read again.
    """
    for span in spans:
        if isinstance(span, dict):
            where, start, end = span.get("field", "body"), span.get("start"), span.get("end")
            if isinstance(start, int) and isinstance(end, int):
                yield Evidence(str(where), start, end)
        elif isinstance(span, list | tuple) and len(span) == 2:
            start, end = span
            if isinstance(start, int) and isinstance(end, int):
                yield from _split(entry, start, end)


def _split(entry: Entry, start: int, end: int) -> Iterable[Evidence]:
    length = len(entry.title)
    body = length + 1 if length and entry.body else length
    if start < length:
        yield Evidence("title", start, min(end, length))
    if end > body:
        yield Evidence("body", max(start - body, 0), end - body)


# -- people ---------------------------------------------------------------------------------
def _authors(entries: Sequence[Entry]) -> None:
    visitors = {entry.author.visitor for entry in entries if entry.author is not None}
    if not visitors:
        return
    rows = (
        Review.objects.filter(visitor__in=visitors)
        .order_by()
        .values_list("visitor", "status")
        .annotate(n=Count("pk"))
    )
    counts: dict[int, dict[str, int]] = {}
    for visitor, status, n in rows:
        counts.setdefault(visitor, {})[status] = n
    for entry in entries:
        if entry.author is not None:
            of = counts.get(entry.author.visitor, {})
            entry.author = Author(
                entry.author.visitor,
                published=of.get(Status.PUBLISHED, 0),
                rejected=of.get(Status.REJECTED, 0),
                waiting=sum(of.get(status, 0) for status in OPEN),
            )


def _labels(entries: Sequence[Entry]) -> None:
    of = {(entry.kind.value, entry.key): entry for entry in entries}
    for row in ReviewLabel.objects.filter(_subjects(entries)):
        entry = of[row.subject_kind, row.subject_key]
        what, _colon, aspect = row.field.partition(":")
        if what == "sentiment":
            entry.label = row.value
        elif what == "aspect":
            entry.aspect_labels[aspect] = row.value


# -- what belongs to it ---------------------------------------------------------------------
def _pictures(entries: Sequence[Entry]) -> None:
    reviews = _by_review(entries)
    for picture in ReviewPicture.objects.filter(review__in=reviews).order_by("pk"):
        reviews[picture.review_id].pictures.append(picture)


def _edits(entries: Sequence[Entry]) -> None:
    reviews = _by_review(entries)
    for edit in ReviewEdit.objects.filter(review__in=reviews).order_by("-pk"):
        reviews[edit.review_id].edits.append(edit)


def _reports(entries: Sequence[Entry]) -> None:
    of: dict[tuple[str, int], Entry] = {
        (entry.kind.value, entry.row.pk): entry for entry in entries if entry.n_reports
    }
    kinds = (SubjectKind.REVIEW, SubjectKind.QUESTION, SubjectKind.ANSWER)
    wanted = Q(pk__in=[])
    for kind in kinds:
        wanted |= Q(**{f"{kind.value}__in": [pk for name, pk in of if name == kind.value]})
    for report in ReviewReport.objects.filter(wanted).order_by("-pk"):
        for kind in kinds:
            entry = of.get((kind.value, getattr(report, f"{kind.value}_id")))
            if entry is not None and len(entry.reports) < MOST_REPORTS:
                entry.reports.append(report)


def _decisions(entries: Sequence[Entry]) -> None:
    """Read the history of each, latest first."""
    rows = ModerationDecision.objects.filter(_subjects(entries)).select_related(
        "moderator", "undone_by"
    )
    of = {(entry.kind.value, entry.key): entry for entry in entries}
    for row in rows.order_by("-pk"):
        of[row.subject_kind, row.subject_key].decisions.append(row)


def _by_review(entries: Sequence[Entry]) -> dict[int, Entry]:
    return {entry.row.pk: entry for entry in entries if entry.kind == SubjectKind.REVIEW}


def _subjects(entries: Sequence[Entry]) -> Q:
    keys: dict[str, list[str]] = {}
    for entry in entries:
        keys.setdefault(entry.kind.value, []).append(entry.key)
    wanted = Q(pk__in=[])
    for kind, those in keys.items():
        wanted |= Q(subject_kind=kind, subject_key__in=those)
    return wanted


# -- copies ---------------------------------------------------------------------------------
def _twins(entries: Sequence[Entry]) -> None:
    """Read the texts that a flag says this one was copied from, to be seen beside it."""
    named = {entry.ref: _named(entry) for entry in entries}
    keys = {key for those in named.values() for key in those}
    if not keys:
        return
    # A kind is not told with the key; both are looked up, each once.
    known: dict[str, Any] = {}
    for model in (Post, Review):
        rows = model._default_manager.filter(key__in=keys).select_related("item")
        known |= {str(row.key): row for row in rows.defer("item__text")}
    for entry in entries:
        found = [known[key] for key in named[entry.ref] if key in known]
        entry.twins = [_twin(entry, row) for row in found[:MOST_TWINS]]


def _named(entry: Entry) -> list[str]:
    """Return the keys that the flags of an entry name, in order."""
    found: dict[str, None] = {}
    for flag in entry.flags:
        about = flag.stored.get("about")
        for value in about.values() if isinstance(about, dict) else ():
            for one in value if isinstance(value, list) else [value]:
                key = str(one).rpartition(":")[2]
                if is_key(key) and key != entry.key:
                    found[str(UUID(key))] = None
    return list(found)


def _twin(entry: Entry, row: Any) -> Twin:
    is_post = isinstance(row, Post)
    kind = SubjectKind.POST if is_post else SubjectKind.REVIEW
    return Twin(
        ref=f"{kind.value}:{row.key}",
        title=row.title,
        body=row.body,
        author_name=row.author if is_post else row.author_name,
        item_title=row.item.title if row.item else "",
        at=row.posted_at if is_post else row.created_at,
        is_same_author=not is_post
        and entry.author is not None
        and row.visitor_id == entry.author.visitor,
    )
