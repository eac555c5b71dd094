"""One row of the queue as the page shows it: marked text, named flags, history in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from engagement.admin import links
from engagement.admin.card_lines import (
    CODES,
    AspectLine,
    FlagLine,
    HistoryLine,
    PictureLine,
    code_name,
    label_of,
    picture_url,
    reason_list,
    who,
    why,
)
from engagement.admin.evidence import Mark, marked
from engagement.flows.reviews.entry import Entry, Evidence
from engagement.flows.reviews.queue_kinds import OPEN
from engagement.flows.reviews.suggesting import Complaint, complaints, felt_about
from engagement.models import (
    ModerationDecision,
    Sentiment,
    Status,
    SubjectKind,
)

# A text longer than this scrolls in its card: the next one must stay in reach.
LONG_TEXT = 1200
SHORT_TEXT = 40


class Card:
    """
    What the template of a row reads. ``is_done``: it was decided about on this page and can only be
    taken back; ``by_other`` says who was quicker. ``is_answering``: it is here to be answered, for
    the reasons in ``why``, in ``reply_box``.
    """

    def __init__(
        self,
        entry: Entry,
        *,
        site: AdminSite,
        position: int = 0,
        is_done: bool = False,
        by_other: str = "",
        may_reply: bool = False,
        may_open_items: bool = False,
        is_answering: bool = False,
        why: Sequence[str] = (),
        reply_box: Any = None,
    ) -> None:
        self.entry = entry
        self.site = site
        self.position = position
        self.is_done = is_done
        self.by_other = by_other
        self.may_reply = may_reply
        self.may_open_items = may_open_items
        self.is_answering = is_answering
        self.why = why
        self.reply_box = reply_box

    @cached_property
    def html_id(self) -> str:
        # The shop's own references may hold anything.
        safe = "".join(c if c.isalnum() else "-" for c in self.entry.key)
        return f"row-{self.entry.kind.value}-{safe}"

    @cached_property
    def value(self) -> str:
        """The row as it is seen here, for a form to send back; see ``parse``."""
        stamp = self.entry.row.updated_at.isoformat() if self._has_versions else ""
        return f"{self.entry.status}~{stamp}~{self.entry.ref}"

    @property
    def _has_versions(self) -> bool:
        return self.entry.kind == SubjectKind.REVIEW

    @property
    def is_active(self) -> bool:
        return not self.is_done

    @property
    def is_post(self) -> bool:
        return self.entry.kind == SubjectKind.POST

    @property
    def kind_label(self) -> str:
        return str(self.entry.kind.label)

    @property
    def status_label(self) -> str:
        if self.is_post:
            return _("needs attention") if self.entry.is_open else _("dealt with")
        return str(Status(self.entry.status).label)

    @property
    def status_class(self) -> str:
        """What the badge looks like."""
        return "published" if self.is_post and not self.entry.is_open else self.entry.status

    @property
    def n_history(self) -> int:
        return len(self.entry.decisions) + len(self.entry.edits)

    @cached_property
    def heading(self) -> str:
        """What a screen reader says of the row, and what its heading shows where it has none."""
        entry = self.entry
        return entry.title or Truncator(entry.body).chars(60) or _("without words")

    @cached_property
    def spoken(self) -> str:
        """The row in one sentence, for whoever goes through the queue by ear."""
        parts = [self.kind_label]
        if self.entry.rating is not None:
            parts.append(self.stars_label)
        parts.append(self.heading)
        parts.extend(flag.name for flag in self.flags[:2])
        return ", ".join(part for part in parts if part)

    @property
    def stars_label(self) -> str:
        n = self.entry.rating or 0
        return ngettext("%(n)s star", "%(n)s stars", n) % {"n": n}

    @property
    def stars(self) -> str:
        n = self.entry.rating or 0
        return "★" * n + "☆" * (5 - n)

    # -- what was written -------------------------------------------------------------------
    @cached_property
    def title(self) -> SafeString:
        return marked(self.entry.title, self._marks("title"))

    @cached_property
    def body(self) -> SafeString:
        return marked(self.entry.body, self._marks("body"))

    @property
    def is_long(self) -> bool:
        return len(self.entry.body) > LONG_TEXT

    def _marks(self, field: str) -> list[Mark]:
        return [
            Mark(evidence.start, evidence.end, code_name(flag.code))
            for flag in self.entry.flags
            for evidence in flag.evidence
            if evidence.field == field and not self._is_all_of_it(evidence)
        ]

    def _is_all_of_it(self, evidence: Evidence) -> bool:
        # Where everything is evidence, marking it shows nothing: the flag says so beside it.
        length = len(getattr(self.entry, evidence.field, ""))
        return length > SHORT_TEXT and evidence.start <= 0 and evidence.end >= length

    @property
    def item_url(self) -> str:
        item = self.entry.item
        if item is None or not self.may_open_items:
            return ""
        return links.page(self.site, "item_change", item.pk)

    @property
    def outside_url(self) -> str:
        """Where it stands outside of the admin: only an address that a browser may follow."""
        return links.outside(self.entry.url)

    @property
    def author_url(self) -> str:
        author = self.entry.author
        if author is None:
            return ""
        return links.page(self.site, "review_queue", author=author.visitor, status="all")

    @cached_property
    def author_line(self) -> str:
        """What else this author wrote, in words."""
        author = self.entry.author
        if author is None:
            return ""
        if author.total <= 1 and self.entry.kind == SubjectKind.REVIEW:
            return _("first review")
        parts = [
            ngettext("%(n)s published", "%(n)s published", author.published)
            % {"n": author.published}
        ]
        if author.rejected:
            parts.append(
                ngettext("%(n)s rejected", "%(n)s rejected", author.rejected)
                % {"n": author.rejected}
            )
        if author.waiting:
            parts.append(
                ngettext("%(n)s waiting", "%(n)s waiting", author.waiting) % {"n": author.waiting}
            )
        return " · ".join(parts)

    # -- what is thought of it --------------------------------------------------------------
    @property
    def sentiment_label(self) -> str:
        return label_of(Sentiment, self.entry.sentiment)

    @property
    def model_sentiment_label(self) -> str:
        analysis = self.entry.analysis
        return label_of(Sentiment, analysis.sentiment) if analysis else ""

    @property
    def probability_percent(self) -> int | None:
        found = self.entry.probability
        return None if found is None else round(100 * found)

    @property
    def sentiment_choices(self) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in Sentiment.choices]

    @cached_property
    def aspects(self) -> list[AspectLine]:
        """What it speaks of, and how it feels about that."""
        return [
            AspectLine(aspect, sentiment.value, aspect in self.entry.aspect_labels)
            for aspect, sentiment in felt_about(self.entry).items()
        ]

    @cached_property
    def flags(self) -> list[FlagLine]:
        return [
            FlagLine(
                code=flag.code,
                name=code_name(flag.code),
                why=why(flag.stored),
                percent=None if flag.confidence is None else round(100 * flag.confidence),
            )
            for flag in self.entry.flags
        ]

    @cached_property
    def suggested_reason(self) -> str:
        """What speaks most against it: what a rejection would most probably say."""
        codes = [*(flag.code for flag in self.entry.flags), *self.entry.reasons]
        return next((code for code in codes if code in CODES), "")

    @property
    def reason_list(self) -> str:
        """The reasons to choose from, what speaks most against it chosen already."""
        return reason_list(get_language() or "", self.suggested_reason)

    @property
    def reports(self) -> list[tuple[str, str]]:
        return [(code_name(one.reason), one.note) for one in self.entry.reports]

    # -- what can be done -------------------------------------------------------------------
    @property
    def is_open_to_decision(self) -> bool:
        return self.is_active and not self.is_answering

    @cached_property
    def complaints(self) -> list[Complaint]:
        """What it is displeased about: what a reply should speak of."""
        return complaints(self.entry) if self.is_answering else []

    @property
    def can_approve(self) -> bool:
        decided = (Status.PUBLISHED, Status.WITHDRAWN)
        return self.is_open_to_decision and self.entry.status not in decided

    @property
    def can_hold(self) -> bool:
        open_or_shown = (Status.PENDING, Status.PUBLISHED)
        return self.is_open_to_decision and not self.is_post and self.entry.status in open_or_shown

    @property
    def can_reject(self) -> bool:
        decided = (Status.REJECTED, Status.WITHDRAWN)
        return self.is_open_to_decision and not self.is_post and self.entry.status not in decided

    @cached_property
    def undo_pk(self) -> str:
        """The decision that “Undo” takes back: a moderator's, and the latest there is."""
        if self.is_answering:
            return ""
        if self.is_post:
            return "" if self.entry.is_open else "post"
        row = next(iter(self.entry.decisions), None)
        if row is None or row.actor != ModerationDecision.Actor.MODERATOR or row.undoes_id:
            return ""
        return str(row.pk)

    @cached_property
    def pictures(self) -> list[PictureLine]:
        return [
            PictureLine(
                ref=f"{SubjectKind.PICTURE.value}:{one.key}",
                url=picture_url(one),
                alt=one.caption or _("Picture %(n)s of the review") % {"n": n},
                status=str(Status(one.status).label),
                is_open=one.status in OPEN,
                is_entry=self.entry.kind == SubjectKind.PICTURE,
            )
            for n, one in enumerate(self.entry.pictures, start=1)
        ]

    @property
    def open_pictures(self) -> list[str]:
        """Keys of the pictures that approving publishes: those that are seen here."""
        if self.entry.kind != SubjectKind.REVIEW:
            return []
        return [str(one.key) for one in self.entry.pictures if one.status in OPEN]

    @property
    def reply_url(self) -> str:
        kinds = (SubjectKind.REVIEW, SubjectKind.SHOP, SubjectKind.QUESTION)
        if not self.may_reply or self.entry.kind not in kinds or self.is_done:
            return ""
        # The shop's answer publishes a question that waits.
        waits = self.entry.kind == SubjectKind.QUESTION and self.entry.is_open
        if self.is_answering or not (self.entry.status == Status.PUBLISHED or waits):
            return ""
        return self.own_reply_url

    @property
    def own_reply_url(self) -> str:
        return links.page(self.site, "review_reply", self.entry.ref)

    # -- what happened to it ----------------------------------------------------------------
    @cached_property
    def history(self) -> list[HistoryLine]:
        return [
            HistoryLine(
                text=label_of(Status, row.to_status),
                who=who(row),
                at=row.decided_at,
                reason=code_name(row.reason) if row.reason else "",
                note=row.note,
                is_undone=getattr(row, "undone_by", None) is not None,
            )
            for row in self.entry.decisions
        ]

    @cached_property
    def decided_line(self) -> str:
        """Who decided last, in a sentence."""
        row = next(iter(self.entry.decisions), None)
        if row is None or self.entry.is_open:
            return ""
        said = {"status": label_of(Status, row.to_status), "who": who(row)}
        return _("%(status)s by %(who)s") % said
