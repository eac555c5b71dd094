"""The form of a placement: titles by language, strategies in order, rules that make sense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import global_settings, settings
from django.core.exceptions import ValidationError
from django.utils.translation import get_language_info, gettext_lazy, pgettext
from django.utils.translation import gettext as _

from engagement.conf import app_settings
from engagement.flows.serving.placements import BEST_SELLERS, BUILT_IN, NEWEST, RECENTLY_VIEWED
from engagement.models import Item, Placement, PlacementRule

# How many strategies the form has room for; more where more are stored.
STEPS = 5

ATTRIBUTE = re.compile(r"^[^=\s][^=]*=.+$")


# -- titles ---------------------------------------------------------------------------------
def languages() -> list[tuple[str, str]]:
    """Return the site's languages; only the main one where the site has not chosen any."""
    if settings.LANGUAGES == global_settings.LANGUAGES:
        return [(settings.LANGUAGE_CODE, settings.LANGUAGE_CODE)]
    return [(code, _own_name(code, name)) for code, name in settings.LANGUAGES]


def _own_name(code: str, name: object) -> str:
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return str(name)


class TitlesWidget(forms.MultiWidget):
    """One line a language."""

    template_name = "admin/engagement/titles_widget.html"

    def __init__(self, codes: list[tuple[str, str]]) -> None:
        self.codes = codes
        attrs = {"maxlength": "100", "class": "vTextField"}
        super().__init__({code.replace("-", "_"): forms.TextInput(attrs) for code, _n in codes})

    def decompress(self, value: Mapping[str, str] | None) -> list[str]:
        return [(value or {}).get(code, "") for code, _name in self.codes]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for (code, label), part in zip(self.codes, context["widget"]["subwidgets"], strict=True):
            part["label"] = label
            part["attrs"]["lang"] = code
        return context


class TitlesField(forms.MultiValueField):
    """``{"en": "You may also like", …}`` without the languages that are left empty."""

    def __init__(self, **kwargs: Any) -> None:
        codes = languages()
        self.codes = [code for code, _name in codes]
        super().__init__(
            fields=[forms.CharField(max_length=100, required=False) for _code in codes],
            widget=TitlesWidget(codes),
            require_all_fields=False,
            required=False,
            **kwargs,
        )

    def compress(self, data_list: list[str]) -> dict[str, str]:
        pairs = zip(self.codes, data_list, strict=False)
        return {code: title.strip() for code, title in pairs if title and title.strip()}


# -- strategies -----------------------------------------------------------------------------
def known_strategies() -> dict[str, str]:
    """Return every strategy a placement may name, with what it does in a few words."""
    inputs = {
        "visitor": _("what this visitor did"),
        "purchases": _("what this visitor bought"),
        "context": _("the item on the page, or the cart"),
        "nothing": _("the same for everyone"),
    }
    known = {
        alias: f"{alias} – {inputs.get(spec.get('INPUT', 'visitor'), '')}"
        for alias, spec in app_settings.RECOMMENDERS.items()
    }
    words = {
        RECENTLY_VIEWED: _("what this visitor looked at last"),
        NEWEST: _("new in the shop"),
        BEST_SELLERS: _("bought most often in the last week"),
    }
    return known | {name: f"{name} – {words.get(name, '')}" for name in BUILT_IN}


class StrategiesWidget(forms.MultiWidget):
    """A short list of drop-down lists, first one first; needs no script."""

    template_name = "admin/engagement/strategies_widget.html"

    def __init__(self, n: int) -> None:
        super().__init__([forms.Select() for _n in range(n)])

    def decompress(self, value: Any) -> list[str]:
        return self._padded(value or [])

    def _padded(self, steps: list[Any]) -> list[str]:
        n = len(self.widgets)
        return [*(str(step or "") for step in steps), *[""] * n][:n]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        steps = self._padded(value or [])
        known = known_strategies()
        selects: Any = self.widgets
        for step, select in zip(steps, selects, strict=True):
            choices = [("", "–"), *known.items()]
            if step and step not in known:
                # Kept visible, so that one sees what is wrong; refused when saved.
                choices.append((step, _("%(name)s – unknown") % {"name": step}))
            select.choices = choices
        context = super().get_context(name, steps, attrs)
        for n, part in enumerate(context["widget"]["subwidgets"], start=1):
            part["label"] = (
                pgettext("strategy", "First") if n == 1 else _("Then (%(n)s.)") % {"n": n}
            )
        return context


class StrategiesField(forms.MultiValueField):
    """Names of known strategies in order, none twice, at least one."""

    def __init__(self, *, n: int = STEPS, **kwargs: Any) -> None:
        super().__init__(
            fields=[forms.CharField(required=False) for _n in range(n)],
            widget=StrategiesWidget(n),
            require_all_fields=False,
            **kwargs,
        )

    def compress(self, data_list: list[str]) -> list[str]:
        steps = [step for step in data_list if step]
        unknown = [step for step in steps if step not in known_strategies()]
        if unknown:
            raise ValidationError(
                _("There is no strategy “%(name)s”."),
                code="unknown_strategy",
                params={"name": ", ".join(unknown)},
            )
        twice = sorted({step for step in steps if steps.count(step) > 1})
        if twice:
            raise ValidationError(
                _("“%(name)s” is there twice."),
                code="repeated_strategy",
                params={"name": ", ".join(twice)},
            )
        return steps


class PlacementForm(forms.ModelForm):
    titles = TitlesField(
        label=gettext_lazy("Titles by language"),
        help_text=gettext_lazy("Empty: the stock title of this placement, translated."),
    )
    strategies = StrategiesField(
        label=gettext_lazy("Strategies, first one first"),
        help_text=gettext_lazy(
            "The next one fills what the one before it leaves empty. After the last, popular items"
            " fill the shelf, unless it only repeats the visitor's own past."
        ),
    )

    class Meta:
        model = Placement
        fields = (
            "name",
            "channel",
            "is_active",
            "titles",
            "strategies",
            "n",
            "min_items",
            "diversity",
            "diversify_by",
            "one_of_each",
            "objective",
            "exploration",
            "exclude_in_cart",
            "exclude_bought",
            "same_category",
            "other_category",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = len(self.instance.strategies or [])
        if stored > STEPS and "strategies" in self.fields:
            field = self.fields["strategies"]
            self.fields["strategies"] = StrategiesField(
                n=stored, label=field.label, help_text=field.help_text
            )

    def clean_titles(self) -> dict[str, str]:
        # A title in a language that the site no longer offers is kept for the day it does again.
        kept = dict(self.instance.titles or {})
        offered = {code for code, _name in languages()}
        others = {code: title for code, title in kept.items() if code not in offered}
        return others | self.cleaned_data["titles"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("same_category") and cleaned.get("other_category"):
            self.add_error(
                "other_category",
                _("Choose one: only the context item's category, or any but that."),
            )
        n, least = cleaned.get("n"), cleaned.get("min_items")
        if n is not None and least is not None and least > n:
            self.add_error("min_items", _("The shelf would always hide: it shows fewer than this."))
        return cleaned


# -- rules ----------------------------------------------------------------------------------
class RuleForm(forms.ModelForm):
    class Meta:
        model = PlacementRule
        fields = ("action", "field", "value", "factor", "position", "starts_at", "ends_at")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        action, position = cleaned.get("action"), cleaned.get("position")
        if action == PlacementRule.Action.PIN and position is None and "position" in cleaned:
            self.add_error("position", _("A pin needs a position; 1 is the first."))
        if action == PlacementRule.Action.BOOST and cleaned.get("factor") == 1.0:
            self.add_error("factor", _("A factor of 1 changes nothing."))
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("The rule would end before it starts."))
        self._clean_value(cleaned)
        return cleaned

    def _clean_value(self, cleaned: dict[str, Any]) -> None:
        value = (cleaned.get("value") or "").strip()
        if not value:
            return
        cleaned["value"] = value
        match cleaned.get("field"):
            case PlacementRule.Field.PRICE_BELOW | PlacementRule.Field.PRICE_ABOVE:
                if not _is_price(value):
                    self.add_error("value", _("Write a price as a plain number, as in 9.99."))
            case PlacementRule.Field.ATTRIBUTE:
                if not ATTRIBUTE.match(value):
                    self.add_error("value", _("Write name=value, as in colour=red."))
            case PlacementRule.Field.KEY:
                if not self._channel_items().filter(key=value).exists():
                    self.add_error("value", _("The catalogue has no item with this key."))
            case PlacementRule.Field.CATEGORY:
                paths = self._channel_items().filter(category__startswith=value)
                if not paths.exists():
                    self.add_error("value", _("No item's category path begins with this."))

    def _channel_items(self) -> Any:
        channel = self.instance.placement.channel if self.instance.placement_id else ""
        return Item.objects.of_channel(channel) if channel else Item.objects.all()


def _is_price(value: str) -> bool:
    try:
        return Decimal(value).is_finite() and Decimal(value) >= 0
    except InvalidOperation:
        return False
