"""The queue: one page to look, one address to decide, one to ask what others did meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.admin import links, moderation_acts
from engagement.admin.card_lines import code_name
from engagement.admin.listing import chosen_channel
from engagement.admin.moderation_acts import Outcome, Unclear
from engagement.admin.moderation_cards import Card
from engagement.admin.moderation_pages import KEYS, MODERATION, sections, words
from engagement.admin.moderation_view import ModerationView, is_scripted, number_of
from engagement.admin.queue_form import STATUS_NAMES, QueueForm
from engagement.flows import overview
from engagement.flows.reviews import entries, moderating, queue
from engagement.flows.reviews.queue_kinds import WAITING
from engagement.models import Review, Status, SubjectKind

PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Pages:
    """Where a page of the queue stands among the others."""

    number: int
    last: int
    previous: str
    next: str

    @property
    def has_several(self) -> bool:
        return self.last > 1


class QueueView(ModerationView):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request)
        at = timezone.now()
        channel = chosen_channel(request)
        form = QueueForm(request.GET, channel=channel)
        form.is_valid()
        wanted = form.wanted()
        alone = entries.by_refs([request.GET["ref"]]) if request.GET.get("ref") else None
        n = queue.count(wanted, at=at) if alone is None else len(alone)
        last = max((n + PER_PAGE - 1) // PER_PAGE, 1)
        number = min(number_of(request.GET.get("page", "")), last)
        start = (number - 1) * PER_PAGE
        if alone is None:
            places = queue.page(wanted, at=at, start=start, n=PER_PAGE) if n else []
            alone = entries.load(places)
        asked = form.chosen()
        if channel != overview.channels()[0]:
            asked["channel"] = channel
        context = {
            **self.site.each_context(request),
            "title": _("Moderation"),
            "opts": Review._meta,
            "media": MODERATION,
            "form": form,
            "cards": self.cards(request, alone, first=start + 1),
            "n": n,
            "first": start + 1,
            "last": min(start + PER_PAGE, n),
            "pages": Pages(
                number,
                last,
                self._url(asked, page=number - 1) if number > 1 else "",
                self._url(asked, page=number + 1) if number < last else "",
            ),
            "is_waiting": wanted.status == WAITING,
            "clear_url": self._url(
                {k: v for k, v in asked.items() if k in ("status", "order", "channel")}
            ),
            "again_url": self._url(asked),
            "back": request.get_full_path() if request.GET.get("ref") else self._url(asked, number),
            "states_url": links.page(self.site, "review_states"),
            "tabs": self._tabs(asked, wanted.status, channel, at),
            "sections": sections(self.site, request, "queue"),
            "channels": self._channels(channel),
            "channel": channel,
            "mine": self._mine(request, channel),
            "words": words(),
            "keys": KEYS,
            **self.rights(request),
        }
        return TemplateResponse(request, "admin/engagement/moderation/queue.html", context)

    def _url(self, asked: dict[str, str], page: int = 1) -> str:
        query = {**asked, "page": str(page)} if page > 1 else asked
        url = links.page(self.site, "review_queue")
        return f"{url}?{urlencode(query)}" if query else url

    def _tabs(
        self, asked: dict[str, str], chosen: str, channel: str, at: datetime
    ) -> list[dict[str, Any]]:
        """Return the statuses with how many rows each has, whatever the filters."""
        counts: dict[str, int] = {}
        for (_kind, status), n in queue.totals(channel=channel, at=at).items():
            counts[status] = counts.get(status, 0) + n
        others = {name: value for name, value in asked.items() if name != "status"}
        return [
            {
                "text": text,
                "n": counts.get(str(status), 0) if status != "all" else None,
                "url": self._url(others if status == WAITING else {**others, "status": status}),
                "chosen": status == chosen,
                "is_waiting": status == WAITING,
            }
            for status, text in STATUS_NAMES.items()
        ]

    def _channels(self, channel: str) -> list[dict[str, Any]]:
        return [
            {
                "text": name or "–",
                "url": self._url({"channel": name}),
                "chosen": name == channel,
            }
            for name in overview.channels()
        ]

    def _mine(self, request: HttpRequest, channel: str) -> list[dict[str, Any]]:
        """Return what this person decided last, each of it to be taken back."""
        return [
            {
                "pk": row.pk,
                "ref": f"{row.subject_kind}:{row.subject_key}",
                "at": row.decided_at,
                "text": " · ".join(
                    str(part)
                    for part in (
                        Status(row.to_status).label,
                        code_name(row.reason) if row.reason else "",
                        row.review or SubjectKind(row.subject_kind).label,
                    )
                    if part
                ),
                "url": links.page(
                    self.site,
                    "review_queue",
                    status="all",
                    ref=f"{row.subject_kind}:{row.subject_key}",
                ),
            }
            for row in moderating.last_decisions(request.user, channel=channel)
        ]


class DecideView(ModerationView):
    """
    ``POST`` does what one form of the queue says. A script gets the rows as they are now; a plain
    form goes back to where it came from, with a message.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request, decides=True)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            outcome = moderation_acts.perform(
                request.POST, at=timezone.now(), moderator=request.user
            )
        except Unclear as unclear:
            return self._unclear(request, str(unclear))
        if is_scripted(request):
            return self._rows(request, outcome)
        self.page.message_user(request, outcome.said, outcome.message_level)
        return HttpResponseRedirect(self.back(request, "review_queue"))

    def _unclear(self, request: HttpRequest, said: str) -> HttpResponse:
        if is_scripted(request):
            return self._answer(request, [], said, "error")
        self.page.message_user(request, said, messages.ERROR)
        return HttpResponseRedirect(self.back(request, "review_queue"))

    def _rows(self, request: HttpRequest, outcome: Outcome) -> HttpResponse:
        # A picture is decided about inside the card of its review.
        parent = request.POST.get("row", "")
        refs = [parent] if parent else [*outcome.done, *outcome.late]
        position = number_of(request.POST.get("position", ""))
        found = entries.by_refs(refs)
        cards = [
            self.card(
                request,
                one,
                position=position,
                is_done=one.ref in outcome.late or (outcome.is_done and not parent),
                by_other=outcome.late.get(one.ref, ""),
            )
            for one in found
        ]
        return self._answer(request, cards, outcome.said, outcome.level)

    def _answer(
        self, request: HttpRequest, cards: Sequence[Card], said: str, level: str
    ) -> HttpResponse:
        channel = chosen_channel(request)
        left = sum(queue.waiting(channel=channel, at=timezone.now()).values())
        context = {
            "cards": cards,
            "said": said,
            "level": level,
            "left": left,
            "back": self.back(request, "review_queue"),
            **self.rights(request),
        }
        return TemplateResponse(request, "admin/engagement/moderation/answer.html", context)


class StatesView(ModerationView):
    """``GET ?ref=…&ref=…``: which of the rows on somebody's screen others have decided about."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.check(request)
        refs = request.GET.getlist("ref")[: moderation_acts.MOST_ROWS]
        found = entries.by_refs(refs, decided=True)
        cards = [
            self.card(request, one, is_done=True, by_other=self.card(request, one).decided_line)
            for one in found
        ]
        context = {
            "cards": cards,
            "said": self._said(cards),
            "level": "warning",
            "left": None,
            "back": links.page(self.site, "review_queue"),
            **self.rights(request),
        }
        return TemplateResponse(request, "admin/engagement/moderation/answer.html", context)

    @staticmethod
    def _said(cards: Iterable[Card]) -> str:
        lines = [f"{card.heading}: {card.by_other or card.status_label}" for card in cards]
        return " ".join(lines[:3])
