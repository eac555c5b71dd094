"""What a chosen visitor would see in a placement right now, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.admin.helpers import AdminErrorList
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from engagement.admin import links
from engagement.admin.preview_form import PreviewForm
from engagement.flows import overview
from engagement.flows.serving import history, left_out, placements
from engagement.flows.serving.placements import PlacementConfig, Rule
from engagement.flows.serving.reasons import Reason
from engagement.flows.serving.recommend import Recommended, recommend
from engagement.models import EventName, Item, Placement

if TYPE_CHECKING:
    from engagement.admin.placements import PlacementAdmin

# What belongs to the preview in a form that also holds the placement.
OWN_FIELDS = ("visitor", "context", "cart", "category", "preview_of", "csrfmiddlewaretoken")
PAST_EVENTS = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One reason with its share of the largest one, in whole percent."""

    reason: Reason
    percent: int


@dataclass(frozen=True, slots=True)
class Card:
    """One item of the shelf as the page shows it."""

    item: Recommended
    title: str
    picture: str
    category: str
    page: str
    bars: Sequence[Bar]


class PreviewView:
    """
    ``GET ?placement=<id or name>`` shows what is stored. ``POST`` carries the placement's form as
    it stands in the browser and shows that, unsaved.
    """

    def __init__(self, page: PlacementAdmin) -> None:
        self.page = page

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self.page.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.page.admin_site.name
        row = self._row(request)
        unsaved = request.method == "POST"
        errors: list[str] = []
        if unsaved:
            config, errors = self._unsaved(request, row)
        else:
            config = self._saved(request, row)
        channel = (row.channel if row and row.channel else "") or self._channel(request)
        form = PreviewForm(
            request.POST if unsaved else request.GET,
            channel=channel,
            may_choose_visitor=request.user.has_perm("engagement.view_visitor"),
        )
        context = {
            **self.page.admin_site.each_context(request),
            "title": _("Preview: %(name)s") % {"name": config.name if config else row},
            "opts": Placement._meta,
            "row": row,
            "config": config,
            "form": form,
            "errors": errors,
            "unsaved": unsaved,
            "carried": self._carried(request) if unsaved else [],
            "choices": self._choices(),
            "chosen": str(row.pk) if row else (config.name if config else ""),
            "channel": channel,
            "media": self.page.media,
        }
        if config is not None and form.is_valid():
            context |= self._answer(config, form, at=timezone.now())
        return TemplateResponse(request, "admin/engagement/placement/preview.html", context)

    # -- which placement --------------------------------------------------------------------
    def _row(self, request: HttpRequest) -> Placement | None:
        """Return the placement that is asked for; None where it exists in the code alone."""
        wanted = request.POST.get("preview_of") or request.GET.get("placement", "")
        rows = Placement.objects.prefetch_related("rules")
        if wanted.isdigit():
            return get_object_or_404(rows, pk=wanted)
        name = wanted or _usual(request)
        return rows.filter(name=name).order_by("channel").first()

    def _saved(self, request: HttpRequest, row: Placement | None) -> PlacementConfig:
        if row is not None:
            return placements.from_row(row)
        name = request.GET.get("placement") or _usual(request)
        if name not in placements.STOCK:
            raise Http404
        return placements.STOCK[name]

    def _unsaved(
        self, request: HttpRequest, row: Placement | None
    ) -> tuple[PlacementConfig | None, list[str]]:
        """Return the placement that the posted form describes, or what is wrong with it."""
        if row is None:
            raise Http404
        if not self.page.has_change_permission(request, row):
            raise PermissionDenied
        form = self.page.get_form(request, row, change=True)(request.POST, instance=row)
        is_valid = form.is_valid()
        page: Any = self.page
        formsets, _inlines = page._create_formsets(request, form.instance, change=True)
        if not (all(one.is_valid() for one in formsets) and is_valid):
            wrong: list[Any] = list(AdminErrorList(form, formsets))
            return None, [str(one) for found in wrong for one in found]
        rules = [
            Rule(
                action=filled["action"],
                field=filled["field"],
                value=filled["value"],
                factor=filled["factor"],
                position=filled["position"],
                starts_at=filled["starts_at"],
                ends_at=filled["ends_at"],
            )
            for one in formsets
            for filled in (rule.cleaned_data for rule in one.forms if rule.cleaned_data)
            if not filled.get("DELETE")
        ]
        return replace(placements.from_row(form.instance), rules=tuple(rules)), []

    def _carried(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the placement's own fields, for the next look at the same unsaved form."""
        names = [name for name in request.POST if name not in OWN_FIELDS]
        return [(name, value) for name in names for value in request.POST.getlist(name)]

    def _choices(self) -> list[tuple[str, str]]:
        stored = list(Placement.objects.order_by("name", "channel"))
        known = {row.name for row in stored}
        rows = [
            (str(row.pk), f"{row.name} ({row.channel})" if row.channel else row.name)
            for row in stored
        ]
        return sorted(
            rows + [(name, name) for name in placements.STOCK if name not in known],
            key=lambda choice: choice[1],
        )

    def _channel(self, request: HttpRequest) -> str:
        known = overview.channels()
        wanted = request.POST.get("channel") or request.GET.get("channel", "")
        return wanted if wanted in known else known[0]

    # -- what would be seen -----------------------------------------------------------------
    def _answer(
        self, config: PlacementConfig, form: PreviewForm, *, at: datetime
    ) -> dict[str, Any]:
        cleaned = form.cleaned_data
        person = form.person()
        context = [cleaned["context"]] if cleaned["context"] else []
        asked = {
            "person": person,
            "at": at,
            "context": context,
            "cart": cleaned["cart"],
            "category": cleaned["category"],
        }
        shelf = recommend(placement=config, explain=True, **asked)
        too_few: Sequence[Recommended] = ()
        if not shelf and config.is_active and config.min_items > 1:
            too_few = recommend(placement=replace(config, min_items=1), **asked).items
        past = history.of(person, at=at)
        return {
            "shelf": shelf,
            "cards": self._cards(shelf.items, form.channel),
            "too_few": len(too_few),
            "left_out": left_out.of(config, shelf=shelf, **asked),
            "past": [
                {"kind": EventName(event.event), "past": event}
                for event in past.events[::-1][:PAST_EVENTS]
            ],
            "n_past": len(past.events),
            "visitor": form.who,
            "visitor_link": links.link(self.page.admin_site, form.who),
            "context_items": [form.items[key] for key in context],
            "cart_items": [form.items[key] for key in cleaned["cart"]],
            "at": at,
        }

    def _cards(self, items: Sequence[Recommended], channel: str) -> list[Card]:
        rows = Item.objects.of_channel(channel).filter(key__in=[item.key for item in items])
        mirror = {row.key: row for row in rows}
        cards = []
        for item in items:
            row = mirror.get(item.key)
            address = str(item.card.get("image_url") or (row.image_url if row else ""))
            cards.append(
                Card(
                    item=item,
                    title=str(item.card.get("title") or (row.title if row else item.key)),
                    picture=links.outside(address),
                    category=row.category if row else "",
                    page=links.page(self.page.admin_site, "item_change", row.pk) if row else "",
                    bars=_bars(item.reasons),
                )
            )
        return cards


def _bars(reasons: Sequence[Reason]) -> list[Bar]:
    largest = max((abs(reason.weight) for reason in reasons), default=0.0) or 1.0
    return [Bar(reason, round(100 * abs(reason.weight) / largest)) for reason in reasons]


def _usual(request: HttpRequest) -> str:
    """Return where to begin: beside an item its own shelf, otherwise the home page's."""
    return "product.similar" if request.GET.get("context") else "home.for_you"
