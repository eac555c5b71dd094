"""The form of an offer: each kind has its own fields, and what is in them must make sense."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from engagement.admin.offer_fields import (
    AddressField,
    AudienceField,
    LinesField,
    MoneyField,
    PlacementsField,
    WordsField,
    require_rule,
)
from engagement.flows.promotions import codes, readiness
from engagement.models import Campaign, Grant, Promotion

Kind, Scope, CodeKind = Promotion.Kind, Promotion.Scope, Promotion.CodeKind

# Which kinds have which fields; what is not named here all have. The script hides the others, and
# what is left in them is not kept.
FIELDS_OF_KINDS: dict[str, tuple[str, ...]] = {
    "value": (Kind.PERCENTAGE, Kind.AMOUNT, Kind.BUNDLE),
    "set_price": (Kind.BUNDLE,),
    "buy_n": (Kind.N_FOR_M,),
    "pay_m": (Kind.N_FOR_M,),
    "gift_key": (Kind.GIFT,),
    "max_discount": (Kind.PERCENTAGE, Kind.N_FOR_M, Kind.BUNDLE, Kind.FREE_SHIPPING),
    **dict.fromkeys(
        (
            "scope",
            "scope_keys",
            "min_spend",
            "cost",
            "code_kind",
            "code",
            "grant_days",
            "max_redemptions",
            "max_per_visitor",
            "stacks",
            "exclusive_group",
            "priority",
        ),
        tuple(kind for kind in Kind if kind != Kind.MESSAGE),
    ),
}
EMPTY = Promotion()
# Once offers were made, what was promised stays.
PROMISED = (
    "name",
    "kind",
    "value",
    "set_price",
    "buy_n",
    "pay_m",
    "gift_key",
    "scope",
    "scope_keys",
    "min_spend",
    "max_discount",
    "code_kind",
    "code",
)


class PromotionForm(forms.ModelForm):
    value = MoneyField(
        label=capfirst(pgettext_lazy("offer", "off")), help_text=gettext_lazy("Per cent, or money.")
    )
    set_price = MoneyField(
        label=capfirst(gettext_lazy("price of the set")),
        help_text=gettext_lazy("Or give per cent off the set instead."),
    )
    min_spend = MoneyField(
        label=capfirst(gettext_lazy("from a value of")),
        help_text=gettext_lazy("Of the goods it is for, before anything is taken off."),
    )
    max_discount = MoneyField(label=capfirst(gettext_lazy("at most")))
    cost = MoneyField(
        label=capfirst(gettext_lazy("further cost of each use")),
        initial=0,
        help_text=gettext_lazy(
            "Beside what is taken off: the present, the postage. The budget counts both."
        ),
    )
    scope_keys = LinesField(
        label=capfirst(gettext_lazy("which")),
        help_text=gettext_lazy("One on each line: item keys, or category paths as Food > Fruit."),
    )
    texts = WordsField(label=capfirst(gettext_lazy("words")))
    picture = AddressField(label=capfirst(gettext_lazy("picture (address)")))
    url = AddressField(label=capfirst(gettext_lazy("leads to (address)")))
    placements = PlacementsField(
        label=capfirst(gettext_lazy("shown at")),
        help_text=gettext_lazy("One on each line, as cart.offer or home.offer."),
    )
    audience = AudienceField(
        label=capfirst(gettext_lazy("for whom")),
        help_text=gettext_lazy("Beside what the campaign says."),
    )
    code = forms.CharField(
        label=capfirst(gettext_lazy("the code for all")),
        max_length=codes.LONGEST,
        required=False,
        widget=forms.TextInput({"class": "vTextField"}),
    )

    class Meta:
        model = Promotion
        fields = (
            "name",
            "kind",
            "is_active",
            "value",
            "set_price",
            "buy_n",
            "pay_m",
            "gift_key",
            "scope",
            "scope_keys",
            "min_spend",
            "max_discount",
            "cost",
            "texts",
            "picture",
            "url",
            "placements",
            "code_kind",
            "code",
            "grant_days",
            "audience",
            "is_for_everybody",
            "starts_at",
            "ends_at",
            "max_redemptions",
            "max_per_visitor",
            "stacks",
            "exclusive_group",
            "priority",
        )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The campaign as the page describes it, whether or not it is saved yet.
        self.campaign = campaign
        if "audience" in self.fields:
            self.fields["audience"].widget.channel = campaign.channel
            self.fields["audience"].widget.beside = campaign.audience
        if self.instance.pk and campaign.started_at is not None:
            for name in PROMISED:
                if name in self.fields:
                    self.fields[name].disabled = True

    @property
    def channel(self) -> str:
        return str(self.campaign.channel)

    def clean_audience(self) -> str:
        rule: str = self.cleaned_data["audience"]
        require_rule(rule, channel=self.channel)
        return rule

    def clean_cost(self) -> Any:
        return self.cleaned_data["cost"] or 0

    def clean_code(self) -> str:
        return codes.normalised(self.cleaned_data["code"])

    def clean_max_redemptions(self) -> Any:
        most = self.cleaned_data["max_redemptions"]
        if most is not None and most < self.instance.n_redeemed:
            raise ValidationError(
                _("It was used %(n)d times already.") % {"n": self.instance.n_redeemed}
            )
        return most

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind")
        self._forget_others(cleaned, kind)
        for name, message in self._wrong(cleaned, kind):
            if name not in self.errors:
                self.add_error(name, message)
        return cleaned

    def _forget_others(self, cleaned: dict[str, Any], kind: Any) -> None:
        for name, kinds in FIELDS_OF_KINDS.items():
            if name in cleaned and kind not in kinds:
                cleaned[name] = getattr(EMPTY, name)
        if kind == Kind.BUNDLE:
            cleaned["scope"] = Scope.ITEMS
        if cleaned.get("scope") == Scope.CART:
            cleaned["scope_keys"] = []
        if cleaned.get("code_kind") != CodeKind.SHARED:
            cleaned["code"] = ""
        if cleaned.get("code_kind") == CodeKind.PERSONAL:
            cleaned["is_for_everybody"] = False

    def _wrong(self, cleaned: dict[str, Any], kind: Any) -> Iterable[tuple[str, str]]:
        yield from _wrong_amounts(cleaned, kind)
        yield from _wrong_scope(cleaned, kind)
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            yield "ends_at", _("It would end before it starts.")
        if cleaned.get("code_kind") == CodeKind.SHARED:
            yield from self._wrong_code(cleaned.get("code", ""))
        names = ("kind", "gift_key", "scope", "scope_keys")
        goods = Promotion(**{name: cleaned[name] for name in names if cleaned.get(name)})
        yield from readiness.unknown_goods(goods, self.channel)

    def _wrong_code(self, code: str) -> Iterable[tuple[str, str]]:
        if len(code) < 3:
            yield "code", _("Give the code for all: three letters or digits at least.")
            return
        if not code.isascii():
            yield "code", _("Letters from A to Z and digits.")
        others = Promotion.objects.filter(channel=self.channel, code=code)
        if others.exclude(pk=self.instance.pk).exists():
            yield "code", _("Another offer has this code.")
        if Grant.objects.filter(channel=self.channel, code=code).exists():
            yield "code", _("A customer has this code.")


def _wrong_amounts(cleaned: dict[str, Any], kind: Any) -> Iterable[tuple[str, str]]:
    value, price = cleaned.get("value"), cleaned.get("set_price")
    if kind == Kind.PERCENTAGE and not (value and 0 < value <= 100):
        yield "value", _("Say how many per cent: more than 0, at most 100.")
    if kind == Kind.AMOUNT and not value:
        yield "value", _("Say how much is taken off.")
    if kind == Kind.N_FOR_M:
        n, m = cleaned.get("buy_n"), cleaned.get("pay_m")
        if not (n and m and n > m >= 1):
            yield "buy_n", _("As: take 3, pay for 2.")
    if kind == Kind.BUNDLE:
        if (price is None) == (value is None):
            yield "set_price", _("Give the set a price, or take per cent off: one of the two.")
        elif value is not None and not 0 < value <= 100:
            yield "value", _("Say how many per cent: more than 0, at most 100.")
    if kind == Kind.GIFT and not cleaned.get("gift_key"):
        yield "gift_key", _("Say which item is given.")


def _wrong_scope(cleaned: dict[str, Any], kind: Any) -> Iterable[tuple[str, str]]:
    keys = cleaned.get("scope_keys") or []
    if kind == Kind.BUNDLE and len(keys) < 2:
        yield "scope_keys", _("A set is of two items or more: one key on each line.")
    elif cleaned.get("scope") == Scope.ITEMS and not keys:
        yield "scope_keys", _("Name the items: one key on each line.")
    elif cleaned.get("scope") == Scope.CATEGORY and not keys:
        yield "scope_keys", _("Name the categories: one path on each line, as Food > Fruit.")
