"""The log of decisions: what was shown to whom, with what chance, why, and what came of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from engagement.admin import decision_charts, links
from engagement.admin.charts import Chart, Series, number
from engagement.admin.detail import DetailAdmin
from engagement.admin.listing import CHARTS, LongListAdmin, ReadOnlyAdmin
from engagement.flows.deciding import contexts, replaying
from engagement.models import Decision

# So many features are named for each arm, none that moves less.
REASONS = 3
LEAST = 0.0005


class SettledFilter(admin.SimpleListFilter):
    title = gettext_lazy("what came of it")
    parameter_name = "came"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", _("not known yet")),
            ("clicked", _("clicked")),
            ("ordered", _("ordered")),
            ("nothing", _("nothing")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "open":
                return queryset.filter(settled_at__isnull=True)
            case "clicked":
                return queryset.filter(clicked_at__isnull=False)
            case "ordered":
                return queryset.filter(orders__gt=0)
            case "nothing":
                return queryset.filter(settled_at__isnull=False, orders=0, clicked_at__isnull=True)
        return queryset


class DecisionLogAdmin(DetailAdmin, ReadOnlyAdmin, LongListAdmin):
    """Read only. Each page says why, and makes the decision again to show that it is the same."""

    list_display = ("decided_at", "point", "shown_arm", "chance", "version", "came", "reward")
    list_filter = ("point", SettledFilter, "version")
    list_select_related = ("point", "version")
    search_fields = ("key",)
    search_help_text = gettext_lazy("A decision's key or a visitor's key, in full and exactly.")
    ordering = ("-decided_at", "-pk")
    sortable_by = ()
    actions = None
    change_form_template = "admin/engagement/decision/change_form.html"
    fields = (
        "key",
        "point",
        "version",
        "learnt_until",
        "visitor_link",
        "decided_at",
        "shown_at",
        "clicked_at",
        "settled_at",
        "settled_number",
        "orders",
        "revenue",
        "cost",
        "reward",
    )
    readonly_fields = ("visitor_link",)

    class Media:
        css = {"all": ("engagement/admin/admin.css",)}

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        by_key = term.replace("-", "").lower()
        if len(by_key) == 32 and all(one in "0123456789abcdef" for one in by_key):
            return queryset.filter(key=by_key), False
        return queryset.filter(visitor__key=term), False

    def detail(self, request: HttpRequest, decision: Decision) -> dict[str, Any]:
        again = _replayed(decision) if "replay" in request.GET else {}
        found = again.get("replayed")
        known = contexts.in_words(decision.context, decision.version.features)
        # What is nothing comes last.
        known.sort(key=lambda one: one[2] == 0)
        return {
            "charts_media": CHARTS,
            "chart": _chances(decision, found.probabilities if found else None),
            "arm": decision_charts.arm_name(decision.arm),
            "propensity": decision_charts.percent(decision.propensity, 2),
            "known": [
                {"label": label, "value": value, "number": number(told, 3)}
                for label, value, told in known
            ],
            "replay": again,
        }

    # -- columns ----------------------------------------------------------------------------
    @admin.display(description=pgettext_lazy("policy", "arm"))
    def shown_arm(self, obj: Decision) -> str:
        return decision_charts.arm_name(obj.arm)

    @admin.display(description=gettext_lazy("chance"))
    def chance(self, obj: Decision) -> str:
        return decision_charts.percent(obj.propensity)

    @admin.display(description=gettext_lazy("what came of it"))
    def came(self, obj: Decision) -> str:
        said = []
        if obj.clicked_at:
            said.append(_("clicked"))
        elif obj.shown_at:
            said.append(_("seen"))
        if obj.orders:
            said.append(_("ordered"))
        if obj.settled_at is None:
            said.append(_("not settled yet"))
        return ", ".join(said) or _("nothing")

    @admin.display(description=gettext_lazy("visitor"))
    def visitor_link(self, obj: Decision) -> str:
        return links.link(self.admin_site, obj.visitor)


def _chances(decision: Decision, again: dict[str, float] | None) -> Chart:
    pairs = sorted(
        zip(decision.arms, decision.probabilities, strict=True), key=lambda pair: -pair[1]
    )
    series = [
        Series(
            _("chance, %"),
            [100 * chance for _arm, chance in pairs],
            roles=["winner" if arm == decision.arm else "other" for arm, _chance in pairs],
        )
    ]
    if again is not None:
        series.append(
            Series(_("again, %"), [100 * again[arm] for arm, _c in pairs], role="baseline")
        )
    return Chart(
        key="eng-chances",
        title=_("What could have been shown, and with what chance"),
        labels=[decision_charts.arm_name(arm) for arm, _chance in pairs],
        series=series,
        kind="ranking",
        decimals=3,
        label_heading=_("Arm"),
        summary=_("Drawn: %(arm)s, at a chance of %(chance)s.")
        % {
            "arm": decision_charts.arm_name(decision.arm),
            "chance": decision_charts.percent(decision.propensity, 2),
        },
    )


def _expected(decision: Decision, found: replaying.Replayed) -> list[dict[str, Any]]:
    """Return what the policy expected of each arm, the best first, and what spoke for it."""
    try:
        told = found.standing.expectations(decision.context, tuple(decision.arms))
    except NotImplementedError:
        # A policy of the shop's own may keep its reasons to itself.
        return []
    labels = {
        name: label
        for name, (label, _value, _number) in zip(
            found.standing.features,
            contexts.in_words(decision.context, found.standing.features),
            strict=True,
        )
    }
    return [
        {
            "name": decision_charts.arm_name(one.arm),
            "is_drawn": one.arm == decision.arm,
            "reward": number(one.reward, 4),
            "constant": f"{one.constant:+.3f}",
            "reasons": ", ".join(
                f"{labels[name]} {part:+.3f}"
                for name, part in sorted(one.parts.items(), key=lambda pair: -abs(pair[1]))[
                    :REASONS
                ]
                if abs(part) >= LEAST
            )
            or "–",
            "scale": one.scale,
        }
        for one in sorted(told, key=lambda one: -one.reward)
    ]


def _replayed(decision: Decision) -> dict[str, Any]:
    """Return the decision made again, or why it cannot be."""
    try:
        found = replaying.replay(decision)
        return {"replayed": found, "expected": _expected(decision, found)}
    except Exception as error:
        return {"problem": str(error)}
