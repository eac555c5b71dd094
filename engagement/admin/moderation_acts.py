"""Between the forms of the queue and the flow: what was pressed, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engagement.flows.reviews import moderating
from engagement.flows.reviews.deciding import AlreadyModerated, CannotUndo
from engagement.flows.reviews.entry import is_key
from engagement.flows.reviews.moderating import Gone, Looked
from engagement.models import ReasonCode, Sentiment, Status, SubjectKind

# As many rows as a page can hold.
MOST_ROWS = 200


class Unclear(Exception):
    """The form does not say what to do; the message says what is missing."""


@dataclass(slots=True)
class Outcome:
    """
    What became of it. ``done`` and ``late`` are references; ``late`` says who was quicker.
    ``taken_back`` tells apart what waits again.
    """

    done: list[str] = field(default_factory=list)
    late: dict[str, str] = field(default_factory=dict)
    said: str = ""
    is_done: bool = True

    @property
    def level(self) -> str:
        if self.late:
            return "warning"
        return "success"

    @property
    def message_level(self) -> int:
        return messages.WARNING if self.late else messages.SUCCESS


def parse(value: str, pictures: Sequence[str] = ()) -> Looked | None:
    """Read what ``Card.value`` wrote, or a bare reference; None for anything else."""
    status, stamp, ref = "", "", value
    if value.count("~") >= 2:
        status, stamp, ref = value.split("~", 2)
    kind, _colon, key = ref.partition(":")
    if kind not in SubjectKind.values or not key or len(key) > 128:
        return None
    if kind != SubjectKind.SHOP and not is_key(key):
        return None
    try:
        version = parse_datetime(stamp) if stamp else None
    except ValueError:
        return None
    return Looked(
        kind=SubjectKind(kind),
        key=key,
        status=status if status in Status.values else Status.HELD,
        version=version,
        pictures=[one for one in pictures if is_key(one)],
    )


def perform(data: QueryDict, *, at: datetime, moderator: Any) -> Outcome:
    """Do what a form says; raises Unclear where it says too little."""
    chosen = [
        looked
        for value in data.getlist("chosen")[:MOST_ROWS]
        if (looked := parse(value, data.getlist("picture"))) is not None
    ]
    if not chosen:
        raise Unclear(_("Tick what this is about first."))
    what = data.get("do", "")
    if what == "undo":
        return _undo(chosen[0], data.get("decision", ""), at, moderator)
    if what == "label":
        return _label(chosen, data.get("label", ""), data.get("aspect", ""), at, moderator)
    if what not in moderating.ACTS:
        raise Unclear(_("Say what to do with it."))
    reason = data.get("reason", "")
    if reason and reason not in ReasonCode.values:
        reason = ""
    if what == "reject" and not reason:
        raise Unclear(_("Choose a reason: its author is told why."))
    if what == "approve":
        reason = ""
    note = data.get("note", "")[:500]
    outcome = _each(
        chosen,
        lambda looked: moderating.act(
            looked, what, at=at, moderator=moderator, reason=reason, note=note
        ),
    )
    outcome.said = _said(what, chosen, outcome)
    return outcome


def _each(chosen: Sequence[Looked], do: Callable[[Looked], object]) -> Outcome:
    outcome = Outcome()
    # In one order everywhere: two moderators with overlapping selections must not block each other.
    for looked in sorted(chosen, key=lambda one: one.ref):
        try:
            do(looked)
        except AlreadyModerated as other:
            outcome.late[looked.ref] = other.message
        except Gone as gone:
            outcome.late[looked.ref] = str(gone)
        else:
            outcome.done.append(looked.ref)
    return outcome


def _undo(looked: Looked, decision: str, at: datetime, moderator: Any) -> Outcome:
    outcome = Outcome(is_done=False)
    try:
        if looked.kind == SubjectKind.POST:
            moderating.take_up_again(looked.key)
        elif decision.isdecimal() and len(decision) < 19:
            moderating.take_back(int(decision), at=at, moderator=moderator)
        else:
            raise Unclear(_("Say what to do with it."))
    except AlreadyModerated as other:
        outcome.late[looked.ref] = other.message
    except (CannotUndo, Gone) as refusal:
        outcome.late[looked.ref] = str(refusal)
    else:
        outcome.done.append(looked.ref)
    outcome.said = next(iter(outcome.late.values()), _("Taken back."))
    return outcome


def _label(
    chosen: Sequence[Looked], label: str, aspect: str, at: datetime, moderator: Any
) -> Outcome:
    if label not in Sentiment.values:
        raise Unclear(_("Choose what it feels like."))

    def correct(looked: Looked) -> None:
        said = {"at": at, "moderator": moderator}
        if aspect:
            moderating.correct_aspect(looked.kind, looked.key, aspect, label, **said)
        else:
            moderating.correct(looked.kind, looked.key, label, **said)

    outcome = _each(chosen, correct)
    outcome.is_done = False
    outcome.said = next(
        iter(outcome.late.values()),
        _("Noted as %(label)s; the next training learns from it.")
        % {"label": Sentiment(label).label},
    )
    return outcome


def _said(what: str, chosen: Sequence[Looked], outcome: Outcome) -> str:
    n = len(outcome.done)
    parts = []
    if n == 1 and chosen[0].kind == SubjectKind.POST:
        parts.append(_("Dealt with."))
    elif n and what == "approve":
        parts.append(ngettext("Approved.", "%(n)s approved.", n) % {"n": n})
    elif n and what == "reject":
        parts.append(ngettext("Rejected.", "%(n)s rejected.", n) % {"n": n})
    elif n:
        parts.append(ngettext("Held.", "%(n)s held.", n) % {"n": n})
    if len(outcome.late) == 1:
        parts.extend(outcome.late.values())
    elif outcome.late:
        parts.append(
            ngettext(
                "%(n)s had changed meanwhile and stays as it is.",
                "%(n)s had changed meanwhile and stay as they are.",
                len(outcome.late),
            )
            % {"n": len(outcome.late)}
        )
    return " ".join(parts)
