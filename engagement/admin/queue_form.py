"""What narrows the queue: the form above it, and the addresses of its tabs and pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from engagement.flows.reviews import queue
from engagement.flows.reviews.queue_kinds import (
    ANY_FLAG,
    NO_FLAG,
    REPORTED,
    STATUSES,
    WAITING,
    Wanted,
)
from engagement.models import ReasonCode, Sentiment, Status, SubjectKind

STATUS_NAMES = {
    WAITING: pgettext_lazy("reviews", "Waiting"),
    Status.PUBLISHED: pgettext_lazy("reviews", "Published"),
    Status.REJECTED: pgettext_lazy("reviews", "Rejected"),
    Status.WITHDRAWN: pgettext_lazy("reviews", "Withdrawn"),
    "all": pgettext_lazy("reviews", "All"),
}
ANYTHING = ("", "–")


class QueueForm(forms.Form):
    """
    Every field may be empty. What makes no sense is left out, so that an old bookmark still opens
    the queue.
    """

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "data-eng-search": ""}),
    )
    kind = forms.ChoiceField(
        label=_("What"), required=False, choices=[ANYTHING, *SubjectKind.choices]
    )
    flag = forms.ChoiceField(
        label=_("Flag"),
        required=False,
        choices=[
            ANYTHING,
            (ANY_FLAG, _("any flag")),
            (NO_FLAG, _("no flag")),
            (REPORTED, _("reported by visitors")),
            *ReasonCode.choices,
        ],
    )
    sentiment = forms.ChoiceField(
        label=_("Sentiment"), required=False, choices=[ANYTHING, *Sentiment.choices]
    )
    rating = forms.TypedChoiceField(
        label=_("Stars"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[ANYTHING, *((n, "★" * n) for n in range(1, 6))],
    )
    language = forms.ChoiceField(label=_("Language"), required=False)
    item = forms.CharField(
        label=_("Product"),
        required=False,
        max_length=255,
        help_text=_("Its key, or words of its title."),
    )
    age = forms.ChoiceField(
        label=_("Written"),
        required=False,
        choices=[
            ANYTHING,
            ("1", _("within a day")),
            ("7", _("within a week")),
            ("30", _("within 30 days")),
            ("older", _("more than a week ago")),
        ],
    )
    verified = forms.TypedChoiceField(
        label=_("Purchase"),
        required=False,
        coerce=lambda value: value == "yes",
        empty_value=None,
        choices=[ANYTHING, ("yes", _("verified")), ("no", _("not verified"))],
    )
    order = forms.ChoiceField(
        label=pgettext_lazy("sort", "Order"),
        required=False,
        choices=[
            ("oldest", _("oldest first")),
            ("newest", _("newest first")),
            ("worst", _("most displeased first")),
            ("reported", _("most reported first")),
        ],
    )
    status = forms.ChoiceField(
        required=False, widget=forms.HiddenInput, choices=[(name, name) for name in STATUSES]
    )
    author = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, data: Any, *, channel: str) -> None:
        super().__init__(data)
        self.channel = channel
        found = queue.languages(channel=channel)
        names: Any = self.fields["language"]
        names.choices = [ANYTHING, *((code, code) for code in found)]

    def wanted(self) -> Wanted:
        """Return what is asked for; must be called after ``is_valid``."""
        said = self.cleaned_data
        return Wanted(
            channel=self.channel,
            status=said.get("status") or WAITING,
            kind=said.get("kind", ""),
            flag=said.get("flag", ""),
            sentiment=said.get("sentiment", ""),
            language=said.get("language", ""),
            item=said.get("item", ""),
            age=said.get("age", ""),
            search=said.get("q", ""),
            rating=said.get("rating"),
            author=said.get("author"),
            verified=said.get("verified"),
            order=said.get("order") or "oldest",
        )

    def chosen(self) -> dict[str, str]:
        """Return what narrows the queue, as an address carries it."""
        return {
            name: str(self.data.get(name, ""))
            for name in self.fields
            if name in self.cleaned_data and self.data.get(name)
        }

    @property
    def n_filters(self) -> int:
        """How many filters beside tab and order are set."""
        return len([name for name in self.chosen() if name not in ("status", "order")])
