"""The form of a campaign."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.admin.offer_fields import AudienceField, MoneyField, require_rule
from engagement.conf import app_settings
from engagement.models import Campaign


class CampaignForm(forms.ModelForm):
    budget = MoneyField(
        label=capfirst(gettext_lazy("budget")),
        help_text=gettext_lazy("What all its offers may cost together; empty: no limit."),
    )
    audience = AudienceField(
        label=capfirst(gettext_lazy("for whom")),
        help_text=gettext_lazy("As: orders >= 2 and days_since_order > 30. Empty: for everybody."),
    )

    class Meta:
        model = Campaign
        fields = (
            "name",
            "channel",
            "description",
            "starts_at",
            "ends_at",
            "audience",
            "priority",
            "budget",
            "currency",
            "pacing",
            "max_redemptions",
            "max_per_visitor",
        )
        widgets = {"description": forms.Textarea({"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "audience" in self.fields:
            self.fields["audience"].widget.channel = self.instance.channel
        if not self.instance.pk and "currency" in self.fields:
            self.fields["currency"].initial = app_settings.CURRENCY
        if self.instance.started_at is not None:
            for name in ("name", "channel", "currency"):
                if name in self.fields:
                    self.fields[name].disabled = True

    def clean_audience(self) -> str:
        rule: str = self.cleaned_data["audience"]
        require_rule(rule, channel=self.cleaned_data.get("channel", self.instance.channel))
        return rule

    def clean_budget(self) -> Any:
        budget = self.cleaned_data["budget"]
        if budget is not None and budget < self.instance.spent:
            raise ValidationError(
                _("%(spent)s of it is spent already.") % {"spent": self.instance.spent.normalize()}
            )
        return budget

    def clean_max_redemptions(self) -> Any:
        most = self.cleaned_data["max_redemptions"]
        if most is not None and most < self.instance.n_redeemed:
            raise ValidationError(
                _("It was used %(n)d times already.") % {"n": self.instance.n_redeemed}
            )
        return most

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if starts and ends and ends <= starts:
            self.add_error("ends_at", _("It would end before it starts."))
        if cleaned.get("budget") is not None and not cleaned.get("currency"):
            self.add_error("currency", _("A budget needs a currency."))
        if cleaned.get("pacing") == Campaign.Pacing.EVEN:
            for name, value in (
                ("budget", cleaned.get("budget")),
                ("starts_at", starts),
                ("ends_at", ends),
            ):
                if value is None and name not in self.errors:
                    self.add_error(name, _("To spend evenly it has to be known."))
        return cleaned
