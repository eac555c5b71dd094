"""What every page about reviews does first: who may, what they may, where they go back to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from engagement.admin import links
from engagement.admin.card_lines import reasons
from engagement.admin.moderation_cards import Card
from engagement.flows.reviews.entry import Entry
from engagement.models import Item

if TYPE_CHECKING:
    from engagement.admin.reviews import ReviewAdmin


class ModerationView:
    """A page of the moderators: who may see reviews sees it, who may change them decides."""

    def __init__(self, page: ReviewAdmin) -> None:
        self.page = page
        self.site = page.admin_site

    def check(self, request: HttpRequest, *, decides: bool = False) -> None:
        """Let in who may; raises PermissionDenied."""
        allowed = (
            self.page.has_change_permission(request)
            if decides
            else self.page.has_view_permission(request)
        )
        if not allowed:
            raise PermissionDenied
        request.current_app = self.site.name

    def rights(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the template of a row needs to know beside the row."""
        return {
            "may_decide": self.page.has_change_permission(request),
            "decide_url": links.page(self.site, "review_decide"),
            "reasons": reasons(),
            "at": timezone.now(),
        }

    def cards(
        self, request: HttpRequest, found: Sequence[Entry], *, first: int = 1, **how: Any
    ) -> list[Card]:
        return [self.card(request, one, position=first + n, **how) for n, one in enumerate(found)]

    def card(self, request: HttpRequest, entry: Entry, **how: Any) -> Card:
        """Return one row as this person may see it."""
        return Card(
            entry,
            site=self.site,
            may_reply=self.page.has_change_permission(request),
            may_open_items=self.site.is_registered(Item)
            and request.user.has_perm("engagement.view_item"),
            **how,
        )

    def back(self, request: HttpRequest, otherwise: str) -> str:
        """Return the page of ours that a form came from."""
        back = request.POST.get("back", "")
        is_ours = back.startswith("/") and url_has_allowed_host_and_scheme(
            back, allowed_hosts=None, require_https=request.is_secure()
        )
        return back if is_ours else links.page(self.site, otherwise)


def number_of(text: str, missing: int = 1) -> int:
    """Return the positive number that an address or a form names, or what is ``missing``."""
    is_one = text.isascii() and text.isdecimal() and len(text) < 10
    return (int(text) or missing) if is_one else missing


def is_scripted(request: HttpRequest) -> bool:
    """Return whether moderation.js asks, which wants rows and not a page."""
    return request.headers.get("x-requested-with") == "XMLHttpRequest"
