"""Whose shelf a preview shows, and beside what."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.adapters import get_adapter
from engagement.flows import overview
from engagement.flows.collecting.identity import Person, customer_key
from engagement.models import Item, Visitor

MOST_ITEMS = 20


class PreviewForm(forms.Form):
    """Visitors by key or user name, items by key or by words of their title."""

    visitor = forms.CharField(
        label=gettext_lazy("Visitor"),
        required=False,
        max_length=150,
        help_text=gettext_lazy("A visitor's key or a user's name. Empty: somebody new."),
    )
    context = forms.CharField(
        label=gettext_lazy("Item on the page"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("An item's key, or words of its title."),
    )
    cart = forms.CharField(
        label=gettext_lazy("In the cart"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("One item a line, by key or by words of its title."),
    )
    category = forms.ChoiceField(label=gettext_lazy("Category of the page"), required=False)

    def __init__(self, data: Any, *, channel: str, may_choose_visitor: bool) -> None:
        super().__init__(data)
        self.channel = channel
        self.items: dict[str, Item] = {}
        choices = [(name, name) for name in overview.top_categories(channel=channel)]
        category = self.fields["category"]
        category.choices = [("", "–"), *choices]  # type: ignore[attr-defined]
        if not may_choose_visitor:
            del self.fields["visitor"]

    def clean_visitor(self) -> Visitor | str:
        """Return the visitor's row, or the key of a customer who has none yet, or nothing."""
        term = self.cleaned_data["visitor"].strip()
        if not term:
            return ""
        rows = Visitor.objects.filter(channel=self.channel).select_related("merged_into")
        found = rows.filter(key=term).first()
        if found is not None:
            return found.merged_into or found
        user = _user(term)
        if user is None:
            raise ValidationError(_("There is no visitor with this key and no user of this name."))
        key = _customer_key(user, self.channel)
        known = rows.filter(Q(key=key) if key else Q(user=user)).first()
        return known or rows.filter(user=user, merged_into=None).first() or key

    def clean_context(self) -> str:
        return self._key(self.cleaned_data["context"])

    def clean_cart(self) -> list[str]:
        lines = [line for line in self.cleaned_data["cart"].splitlines() if line.strip()]
        return list(dict.fromkeys(self._key(line) for line in lines[:MOST_ITEMS]))

    def _key(self, term: str) -> str:
        term = term.strip()
        if not term:
            return ""
        rows = Item.objects.of_channel(self.channel)
        item = rows.filter(key=term).first() or (
            rows.filter(title__icontains=term).order_by("-is_active", "title", "pk").first()
        )
        if item is None:
            raise ValidationError(
                _("No item has “%(term)s” as its key or in its title."), params={"term": term}
            )
        self.items[item.key] = item
        return item.key

    @property
    def who(self) -> Visitor | None:
        chosen = self.cleaned_data.get("visitor")
        return chosen if isinstance(chosen, Visitor) else None

    def person(self) -> Person:
        """Return who is asking. Looking changes nothing: no row and no key is made for it."""
        chosen = self.cleaned_data.get("visitor") or ""
        key = chosen.key if isinstance(chosen, Visitor) else chosen
        refused = isinstance(chosen, Visitor) and chosen.consent is False
        return Person(
            channel=self.channel,
            key="",
            customer_key=key,
            user_id=None,
            may_store=bool(key) and not refused,
            is_staff=False,
        )


def _user(name: str) -> Any:
    model = get_user_model()
    return model._default_manager.filter(**{model.USERNAME_FIELD: name}).first()


def _customer_key(user: Any, channel: str) -> str:
    """Ask the shop who that user is as a customer."""
    request = HttpRequest()
    request.user = user
    try:
        customer = get_adapter().get_customer(request)
    except Exception:  # An adapter may expect more of a request than there is here.
        customer = str(user.pk)
    return customer_key(customer, channel) if customer else ""
