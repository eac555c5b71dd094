"""Form fields of offers: words by language, lists, money, rules with whom they fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engagement.admin.charts import number
from engagement.admin.links import outside
from engagement.admin.placement_form import languages
from engagement.flows.audiences import counting
from engagement.flows.audiences.counting import Fit
from engagement.flows.audiences.reading import CannotRead
from engagement.flows.audiences.words import CATEGORY, CATEGORY_MEANING, WORDS
from engagement.flows.promotions.offers import PARTS

PLACEMENT = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+\Z")


# -- money and lists ------------------------------------------------------------------------
class MoneyField(forms.DecimalField):
    """Money, or per cent, without the zeros that the column keeps behind it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_digits": 15, "decimal_places": 3, "min_value": 0, "required": False, **kwargs}
        )

    def prepare_value(self, value: Any) -> Any:
        return f"{value.normalize():f}" if isinstance(value, Decimal) else value


class LinesField(forms.CharField):
    """A list of texts, one on each line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.Textarea({"rows": 3, "cols": 40}), required=False, strip=True, **kwargs
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        lines = (value or "").splitlines() if isinstance(value, str) else value or []
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(initial) != self.to_python(data)
        except ValidationError:
            return True


class PlacementsField(LinesField):
    """Places on pages, as cart.offer."""

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        text = value.replace(",", "\n") if isinstance(value, str) else value
        names = super().to_python(text)
        for name in names:
            if not PLACEMENT.match(name) or len(name) > 64:
                raise ValidationError(_("%(name)s is no place: write page.slot.") % {"name": name})
        return names


class AddressField(forms.CharField):
    """An address that a browser may follow: of the shop itself, or http(s)."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput({"class": "vLargeTextField"})
        super().__init__(max_length=500, required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        address: str = super().clean(value)
        if address and not outside(address):
            raise ValidationError(_("Write an address of the shop, as /fruit/, or https://…"))
        return address


# -- words ----------------------------------------------------------------------------------
LABELS = {
    "title": gettext_lazy("title"),
    "text": gettext_lazy("text"),
    "button": gettext_lazy("button"),
    "terms": gettext_lazy("conditions"),
}


class WordsWidget(forms.MultiWidget):
    """The words of an offer, a block a language."""

    template_name = "admin/engagement/campaign/words_widget.html"

    def __init__(self, codes: list[tuple[str, str]]) -> None:
        self.codes = codes
        short, long = {"maxlength": "120", "class": "vTextField"}, {"rows": 2, "cols": 40}
        super().__init__(
            {
                f"{code.replace('-', '_')}_{part}": (
                    forms.TextInput(short) if part in ("title", "button") else forms.Textarea(long)
                )
                for code, _name in codes
                for part in PARTS
            }
        )

    def decompress(self, value: Mapping[str, Mapping[str, str]] | None) -> list[str]:
        known = value or {}
        return [known.get(code, {}).get(part, "") for code, _name in self.codes for part in PARTS]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        parts = iter(context["widget"]["subwidgets"])
        blocks = []
        for code, label in self.codes:
            block = []
            for part in PARTS:
                one = next(parts)
                one["label"] = LABELS[part]
                one["attrs"]["lang"] = code
                block.append(one)
            blocks.append({"label": label, "widgets": block})
        context["blocks"] = blocks
        return context


class WordsField(forms.MultiValueField):
    """``{"en": {"title": "A tenth off", …}, …}`` without languages and parts left empty."""

    def __init__(self, **kwargs: Any) -> None:
        codes = languages()
        self.codes = [code for code, _name in codes]
        super().__init__(
            fields=[
                forms.CharField(max_length=120 if part in ("title", "button") else 1000)
                for _code in codes
                for part in PARTS
            ],
            widget=WordsWidget(codes),
            require_all_fields=False,
            required=False,
            **kwargs,
        )
        for field in self.fields:
            field.required = False

    def compress(self, data_list: list[str]) -> dict[str, dict[str, str]]:
        words: dict[str, dict[str, str]] = {}
        keys = [(code, part) for code in self.codes for part in PARTS]
        for (code, part), said in zip(keys, data_list, strict=False):
            if said and said.strip():
                words.setdefault(code, {})[part] = said.strip()
        return words


# -- rules ----------------------------------------------------------------------------------
def fit_told(fit: Fit) -> str:
    """Return whom a rule fits as a sentence."""
    if not fit.of:
        return _("There is no visitor's profile yet to count.")
    said = ngettext(
        "Fits %(n)s of %(of)s visitors known (%(share)s %%).",
        "Fits %(n)s of %(of)s visitors known (%(share)s %%).",
        fit.n,
    )
    return said % {"n": number(fit.n), "of": number(fit.of), "share": number(100 * fit.share, 1)}


def looked_at(*rules: str, channel: str) -> dict[str, Any]:
    """Return what a page tells about rules: whom they fit, or what is wrong and where."""
    try:
        fit = counting.check(*rules, channel=channel, at=timezone.now())
    except CannotRead as wrong:
        return {"ok": False, "said": str(wrong), "position": wrong.position}
    return {"ok": True, "said": fit_told(fit), "n": fit.n, "of": fit.of}


def require_rule(rule: str, *, channel: str) -> None:
    """Refuse a rule that cannot be read or asked of the database, saying where it is wrong."""
    try:
        counting.check(rule, channel=channel, at=timezone.now())
    except CannotRead as wrong:
        raise ValidationError(
            _("%(reason)s (character %(position)d)") % {"reason": wrong, "position": wrong.position}
        ) from None


class AudienceWidget(forms.Textarea):
    """A rule, with whom it fits below it: counted when the page is made and while one types."""

    template_name = "admin/engagement/campaign/audience_widget.html"
    channel = ""
    # The campaign's rule, for that of an offer.
    beside = ""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        rules = [rule for rule in (self.beside, value or "") if rule.strip()]
        context["found"] = looked_at(*rules, channel=self.channel) if rules else None
        context["url"] = reverse("admin:engagement_campaign_audience")
        context["beside"] = self.beside
        context["channel"] = self.channel
        context["words"] = [
            *((word.name, word.meaning) for word in WORDS.values()),
            (f'{CATEGORY}("…")', CATEGORY_MEANING),
        ]
        return context


class AudienceField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        widget = AudienceWidget({"rows": 2, "cols": 60, "spellcheck": "false"})
        super().__init__(widget=widget, required=False, **kwargs)
