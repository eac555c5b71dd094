"""How arms do, and what a policy would have earned, as charts and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from engagement.admin.charts import Chart, Series, number
from engagement.flows.deciding import evaluating, policies
from engagement.flows.deciding.figures import Rate, Standing
from engagement.models import DecisionPoint

MONEY = (DecisionPoint.Reward.REVENUE, DecisionPoint.Reward.MARGIN)
ESTIMATORS = {
    "ips": "IPS",
    "snips": "SNIPS",
    "dm": "DM",
    "dr": "DR",
    "switch_dr": "switch-DR",
}


def arm_name(name: str) -> str:
    """Return what a person calls an arm."""
    return name if name != policies.NOTHING else pgettext("arm of a policy", "no offer")


def percent(value: float | None, decimals: int = 1) -> str:
    return "–" if value is None else f"{number(100 * value, decimals)} %"


def with_interval(found: Rate, *, money: bool = False) -> str:
    """Return “4.1 % (3.2 – 5.3)”, or the same of money."""
    if found.value is None:
        return "–"
    if money:
        told = number(found.value, 3)
        low, high = (None if one is None else number(one, 3) for one in (found.low, found.high))
    else:
        told = percent(found.value, 2)
        low, high = (
            None if one is None else number(100 * one, 2) for one in (found.low, found.high)
        )
    return told if low is None else f"{told} ({low} – {high})"


def rows(point: DecisionPoint, standing: Standing) -> list[dict[str, Any]]:
    """Return the table of a point's arms."""
    money = point.reward in MONEY
    return [
        {
            "name": arm_name(arm.name),
            "n": number(arm.n),
            "share": percent(arm.share),
            "chance": percent(arm.chance),
            "seen": percent(arm.n_shown / arm.n if arm.n else None),
            "clicked": with_interval(arm.clicked),
            "converted": with_interval(arm.converted),
            "reward": with_interval(arm.reward, money=money),
            "n_settled": number(arm.n_settled),
        }
        for arm in standing.arms
    ]


def shares(standing: Standing) -> Chart:
    """Return how often each arm was decided."""
    return Chart(
        key="eng-shares",
        title=_("How often each was decided"),
        labels=[arm_name(arm.name) for arm in standing.arms],
        series=[Series(_("share of decisions, %"), [100 * arm.share for arm in standing.arms])],
        kind="ranking",
        decimals=1,
        label_heading=pgettext("policy", "arm"),
        summary=_("%(n)s decisions, %(waiting)s of which wait for their window to end.")
        % {"n": number(standing.n), "waiting": number(standing.n_waiting)},
    )


def rewards(point: DecisionPoint, standing: Standing) -> Chart:
    """Return what a decision for each arm brought, with intervals."""
    told = [arm for arm in standing.arms if arm.reward.value is not None]
    scale = 1.0 if point.reward in MONEY else 100.0
    unit = "" if point.reward in MONEY else " (%)"

    def scaled(values: list[float | None]) -> list[float | None]:
        return [None if value is None else scale * value for value in values]

    return Chart(
        key="eng-rewards",
        title=_("What a decision brought"),
        labels=[arm_name(arm.name) for arm in told],
        series=[
            Series(
                str(DecisionPoint.Reward(point.reward).label) + unit,
                scaled([arm.reward.value for arm in told]),
                low=scaled([arm.reward.low for arm in told]),
                high=scaled([arm.reward.high for arm in told]),
            )
        ]
        if told
        else [],
        kind="ranking",
        decimals=3 if point.reward in MONEY else 2,
        label_heading=pgettext("policy", "arm"),
        summary=_(
            "Arms met different visitors, for that is what a policy is for: what another policy "
            "would earn is on its own page."
        ),
    )


def evaluation(told: Mapping[str, Any], *, live: str) -> Chart | None:
    """Return what a policy would have earned by each estimator, beside what was shown."""
    judged = (told.get("policies") or [{}])[0]
    estimates = judged.get("estimates") or {}
    if not estimates:
        return None
    today = told["today"]
    shown = [(name, estimates[name]) for name in evaluating.ESTIMATORS if name in estimates]
    return Chart(
        key="eng-evaluation",
        title=_("Mean reward a decision, had this policy decided"),
        labels=[
            _("as it was shown (%(policy)s)") % {"policy": live} if live else _("as it was shown"),
            *(ESTIMATORS[name] for name, _one in shown),
        ],
        series=[
            Series(
                _("reward a decision"),
                [today["value"], *(one["value"] for _name, one in shown)],
                low=[today["low"], *(one["low"] for _name, one in shown)],
                high=[today["high"], *(one["high"] for _name, one in shown)],
                roles=[
                    "baseline",
                    *("winner" if name == evaluating.DECIDING else "other" for name, _one in shown),
                ],
            )
        ],
        kind="ranking",
        decimals=4,
        label_heading=_("Estimate"),
        summary=evaluating.conclusion(judged),
    )


def would_show(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return how often a policy would have shown each arm."""
    judged = (told.get("policies") or [{}])[0]
    found = sorted((judged.get("shares") or {}).items(), key=lambda pair: -pair[1])
    return [(arm_name(arm), percent(share)) for arm, share in found]
