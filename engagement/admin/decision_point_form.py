"""The form of a decision point: arms as lines of text, a policy to begin with."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engagement.conf import app_settings
from engagement.flows.deciding import activating, versions
from engagement.flows.serving import trials
from engagement.models import DecisionPoint, PolicyVersion


class ArmsField(forms.CharField):
    """
    Lines of the form ``name: strategy, strategy``; as ``[{"name": …, "strategies": […]}]``.

    An arm without strategies is the shelf as it is set up.
    """

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(
            f"{arm.get('name', '')}: {', '.join(arm.get('strategies') or ())}" for arm in value
        )

    def clean(self, value: Any) -> list[dict[str, Any]]:
        text = super().clean(value)
        arms: list[dict[str, Any]] = []
        for line in (one.strip() for one in str(text).splitlines() if one.strip()):
            name, _colon, rest = line.partition(":")
            name = name.strip()
            strategies = [one.strip() for one in rest.split(",") if one.strip()]
            if not name or len(name) > 64:
                raise ValidationError(_("Write a line an arm: name: strategy, strategy."))
            for strategy in strategies:
                if not trials.is_known(strategy):
                    raise ValidationError(_("There is no strategy %(name)s.") % {"name": strategy})
            if any(arm["name"] == name for arm in arms):
                raise ValidationError(_("“%(name)s” is there twice.") % {"name": name})
            arms.append({"name": name, "strategies": strategies})
        return arms


class DecisionPointForm(forms.ModelForm):
    arms = ArmsField(
        label=gettext_lazy("arms of a shelf"),
        required=False,
        help_text=gettext_lazy(
            "A line an arm, as “personal: for_you, trending”. Offers have their own arms: those"
            " that run there, and none."
        ),
    )
    policy = forms.ChoiceField(
        label=gettext_lazy("policy to begin with"),
        required=False,
        help_text=gettext_lazy("Of POLICIES in the settings; others are added later."),
    )

    class Meta:
        model = DecisionPoint
        fields = (
            "name",
            "channel",
            "kind",
            "reward",
            "window_hours",
            "hold_minutes",
            "arms",
            "experiment",
            "learns_at_once",
            "is_active",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "policy" in self.fields:
            choices: Any = [("", _("the one for the reward")), *((one, one) for one in _aliases())]
            field: Any = self.fields["policy"]
            field.choices = choices

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind") or self.instance.kind
        arms = cleaned.get("arms", self.instance.arms)
        if kind == DecisionPoint.Kind.STRATEGIES and "arms" in cleaned and len(arms) < 2:
            self.add_error("arms", _("A shelf needs two arms at least to decide between."))
        if kind == DecisionPoint.Kind.OFFERS and arms:
            self.add_error("arms", _("The arms of offers are the offers that run there."))
        if self.instance.pk is None and not self.errors:
            self._check_policy(cleaned)
        return cleaned

    def _check_policy(self, cleaned: dict[str, Any]) -> None:
        alias = cleaned.get("policy") or versions.proposed(cleaned["reward"])
        cleaned["policy"] = alias
        if not alias:
            return
        backend, options = versions.spec_of(alias)
        point = DecisionPoint(reward=cleaned["reward"])
        try:
            activating.check(PolicyVersion(point=point, backend=backend, options=options))
        except activating.Refused as refused:
            self.add_error("policy", str(refused))


def _aliases() -> list[str]:
    return [str(alias) for alias in app_settings.POLICIES]
