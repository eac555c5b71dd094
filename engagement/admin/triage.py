"""What customer service should answer first, and the reply itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from engagement.admin import links
from engagement.admin.charts import number
from engagement.admin.listing import chosen_channel
from engagement.admin.moderation_pages import KEYS, MODERATION, sections, words
from engagement.admin.moderation_view import ModerationView, is_scripted, number_of
from engagement.conf import app_settings
from engagement.flows import overview
from engagement.flows.reviews import entries, questions, replies, suggesting, triage
from engagement.flows.reviews.deciding import AlreadyModerated
from engagement.flows.reviews.drafts import Invalid
from engagement.flows.reviews.entry import Entry
from engagement.flows.reviews.queue_kinds import Place
from engagement.models import ReplyTemplate, Review, SubjectKind

PER_PAGE = 15
ANSWERED = (SubjectKind.REVIEW, SubjectKind.SHOP, SubjectKind.QUESTION)


@dataclass(frozen=True, slots=True)
class Choice:
    """A template as it would read under this review."""

    pk: int
    name: str
    text: str


class ReplyBox:
    """The form in which a reply is written, filled with what fits best."""

    def __init__(
        self, entry: Entry, known: list[ReplyTemplate], *, chosen: int = 0, text: str | None = None
    ) -> None:
        # The templates are about complaints.
        is_question = entry.kind == SubjectKind.QUESTION
        fitting = [] if is_question else suggesting.suggest(entry, known)
        self.choices = [Choice(one.pk, one.name, suggesting.fill(one, entry)) for one in fitting]
        best = next((one for one in self.choices if one.pk == chosen), None) or next(
            iter(self.choices), None
        )
        is_new = not entry.reply
        self.template = best.pk if best and (is_new or chosen) else 0
        self.is_suggested = bool(self.template) and text is None
        self.seen = entry.reply
        self.error = ""
        if text is not None:
            self.text = text
        elif chosen and best:
            self.text = best.text
        else:
            self.text = entry.reply or (best.text if best else "")

    @property
    def rows(self) -> int:
        return min(max(len(self.text) // 70 + 2, 4), 12)


class TriageView(ModerationView):
    """Reviews that wait for an answer, most urgent first, each with a reply to begin with."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request)
        at = timezone.now()
        channel = chosen_channel(request)
        typical = triage.typical_value(channel)
        rows = triage.to_answer(channel=channel, at=at, typical=typical)
        paginator = Paginator(rows, PER_PAGE)
        shown = paginator.get_page(request.GET.get("page"))
        urgent = {row.pk: row for row in shown}
        found = entries.load([Place(SubjectKind.REVIEW, pk) for pk in urgent])
        known = suggesting.templates(channel)
        may_reply = self.page.has_change_permission(request)
        cards = [
            self.card(
                request,
                entry,
                position=shown.start_index() + n,
                is_answering=True,
                why=self._why(urgent[entry.row.pk], entry, typical, at),
                reply_box=ReplyBox(entry, known) if may_reply else None,
            )
            for n, entry in enumerate(found)
        ]
        context = {
            **self.site.each_context(request),
            "title": _("Answer first"),
            "opts": Review._meta,
            "media": MODERATION,
            "cards": cards,
            "shown": shown,
            "n": paginator.count,
            "has_templates": bool(known),
            "templates_url": links.page(self.site, "replytemplate_changelist")
            if self.site.is_registered(ReplyTemplate)
            and request.user.has_perm("engagement.view_replytemplate")
            else "",
            "sections": sections(self.site, request, "triage"),
            "channels": [
                {
                    "text": name or "–",
                    "url": links.page(self.site, "review_triage", channel=name),
                    "chosen": name == channel,
                }
                for name in overview.channels()
            ],
            "channel": channel,
            "words": words(),
            "keys": [pair for pair in KEYS if pair[0] in ("j / k", "p", "Esc", "?")],
            **self.rights(request),
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/engagement/moderation/triage.html", context)

    @staticmethod
    def _why(row: Any, entry: Entry, typical: float, at: datetime) -> list[str]:
        """Say what makes a review urgent: the three factors, in words."""
        if entry.analysis is not None:
            severity = _("%(p)s %% likely displeased") % {"p": number(100 * row.severity)}
        else:
            severity = _("few stars; nobody has read it yet")
        money = f"{number(row.spent, 2)} {app_settings.CURRENCY}".strip()
        if row.spent <= 0:
            worth = _("no purchase known")
        elif row.spent > typical:
            worth = _("has spent %(money)s, more than most") % {"money": money}
        else:
            worth = _("has spent %(money)s") % {"money": money}
        fresh = _("written %(age)s ago") % {"age": timesince(row.created_at, at)}
        return [severity, worth, fresh]


class ReplyView(ModerationView):
    """
    ``GET`` shows one review with the form, ``?template=`` with other words in it; ``POST``
    publishes the reply, changes it, or takes it back.
    """

    def __call__(self, request: HttpRequest, ref: str) -> HttpResponse:
        self.check(request, decides=True)
        entry = self._entry(ref)
        if request.method == "POST":
            return self._post(request, entry)
        chosen = number_of(request.GET.get("template", ""), missing=0)
        return self._page(request, entry, self._box(entry, chosen=chosen))

    @staticmethod
    def _entry(ref: str) -> Entry:
        found = entries.by_refs([ref])
        if not found or found[0].kind not in ANSWERED:
            raise Http404
        return found[0]

    @staticmethod
    def _box(entry: Entry, **how: Any) -> ReplyBox:
        return ReplyBox(entry, suggesting.templates(entry.row.channel), **how)

    def _page(self, request: HttpRequest, entry: Entry, box: ReplyBox) -> HttpResponse:
        card = self.card(request, entry, position=1, is_answering=True, reply_box=box)
        context = {
            **self.site.each_context(request),
            "title": _("Reply"),
            "opts": Review._meta,
            "media": MODERATION,
            "cards": [card],
            "sections": sections(self.site, request, ""),
            "words": words(),
            "keys": [pair for pair in KEYS if pair[0] in ("p", "Esc", "?")],
            "is_alone": True,
            **self.rights(request),
            "back": links.page(self.site, "review_triage"),
        }
        return TemplateResponse(request, "admin/engagement/moderation/triage.html", context)

    def _post(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        is_removing = request.POST.get("do") == "remove"
        text = "" if is_removing else request.POST.get("text", "").strip()
        error = ""
        level = "warning"
        try:
            if not text and not is_removing:
                raise Empty
            self._put(request, entry, text)
        except Empty:
            error, level = _("Write something first."), "error"
        except Invalid as invalid:
            error, level = _sentences(invalid), "error"
        except AlreadyModerated:
            error = _("A colleague has answered meanwhile. Look at their words first.")
        except Review.DoesNotExist:
            error, level = _("The shop cannot take a reply to this review."), "error"
        if error:
            return self._refuse(request, entry, text, error, level)
        self._count(request)
        said = _("The reply was taken back.") if is_removing else _("The reply is published.")
        if is_scripted(request):
            return self._answer(request, entry.ref, said, "success")
        self.page.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(self.back(request, "review_triage"))

    @staticmethod
    def _put(request: HttpRequest, entry: Entry, text: str) -> None:
        if entry.kind == SubjectKind.QUESTION:
            questions.answer_as_shop(text, question=entry.row, by=request.user, at=timezone.now())
        elif entry.kind == SubjectKind.SHOP:
            replies.reply_in_shop(entry.key, text, by=request.user)
        elif text:
            seen = request.POST.get("seen", entry.reply).replace("\r\n", "\n")
            replies.reply(entry.row, text, by=request.user, at=timezone.now(), seen=seen)
        else:
            replies.take_back(entry.row, by=request.user, at=timezone.now())

    @staticmethod
    def _count(request: HttpRequest) -> None:
        template = number_of(request.POST.get("template", ""), missing=0)
        if template:
            suggesting.count_use(template)

    def _refuse(
        self, request: HttpRequest, entry: Entry, text: str, error: str, level: str
    ) -> HttpResponse:
        # Nobody types a reply twice: what was written stays in the form.
        box = self._box(entry, text=text)
        box.error = error
        if is_scripted(request):
            return self._answer(request, entry.ref, error, level, box)
        return self._page(request, entry, box)

    def _answer(
        self, request: HttpRequest, ref: str, said: str, level: str, box: ReplyBox | None = None
    ) -> HttpResponse:
        cards = [
            self.card(
                request,
                one,
                position=1,
                is_done=box is None,
                is_answering=True,
                reply_box=box,
            )
            for one in entries.by_refs([ref])
        ]
        context = {
            "cards": cards,
            "said": said,
            "level": level,
            "left": None,
            **self.rights(request),
            "back": self.back(request, "review_triage"),
        }
        return TemplateResponse(request, "admin/engagement/moderation/answer.html", context)


class Empty(Exception):
    """Nothing was written."""


def _sentences(invalid: Invalid) -> str:
    return " ".join(said for those in invalid.messages.values() for said in those)
