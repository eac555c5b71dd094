"""What a campaign has spent and what its offers did, as charts and words."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from engagement.admin.charts import Chart, Series, number
from engagement.flows.promotions import spending
from engagement.flows.promotions.refusals import priced
from engagement.flows.promotions.spending import OfferFigures, Spending
from engagement.models import Campaign


def context(campaign: Campaign, *, at: datetime) -> dict[str, Any]:
    """Return what the campaign's page shows above its form."""
    found = spending.read(campaign, at=at)
    return {
        "spent": spent_of_budget(campaign),
        "used": used_of_cap(campaign),
        "period": period(campaign),
        "offers": [_row(one, campaign.currency) for one in found.offers],
        "chart": _chart(campaign, found),
    }


def spent_of_budget(campaign: Campaign) -> str:
    spent = priced(campaign.spent, campaign.currency)
    if campaign.budget is None:
        return spent
    return _("%(spent)s of %(budget)s") % {
        "spent": spent,
        "budget": priced(campaign.budget, campaign.currency),
    }


def used_of_cap(campaign: Campaign) -> str:
    if campaign.max_redemptions is None:
        return number(campaign.n_redeemed)
    return _("%(n)s of %(most)s") % {
        "n": number(campaign.n_redeemed),
        "most": number(campaign.max_redemptions),
    }


def period(campaign: Campaign) -> str:
    def told(moment: datetime | None) -> str:
        if moment is None:
            return "…"
        return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")

    return f"{told(campaign.starts_at)} – {told(campaign.ends_at)}"


def _row(one: OfferFigures, currency: str) -> dict[str, Any]:
    return {
        "offer": one.offer,
        "given": number(one.n_given),
        "open": number(one.n_open),
        "used": number(one.n_used),
        "rate": "–" if one.rate is None else f"{number(100 * one.rate, 1)} %",
        "discount": priced(one.discount, currency),
        "cost": priced(one.cost, currency),
    }


def _chart(campaign: Campaign, found: Spending) -> Chart | None:
    if not found.days:
        return None

    def values(sums: Any) -> list[float]:
        return [float(one) for one in sums]

    series = [Series(_("spent"), values(found.spent))]
    if found.allowed:
        label = (
            _("what the time allows") if campaign.pacing == Campaign.Pacing.EVEN else _("budget")
        )
        series.append(Series(label, values(found.allowed), role="baseline"))
    return Chart(
        key="eng-spending",
        title=_("Spent so far, day by day"),
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day in found.days],
        series=series,
        kind="line",
        axis=campaign.currency,
        decimals=2,
        label_heading=_("Day"),
        summary=_summary(campaign, found),
    )


def _summary(campaign: Campaign, found: Spending) -> str:
    if not found.allowed:
        return _("There is no budget.")
    budget = campaign.budget or Decimal(0)
    share = number(100 * float(campaign.spent) / float(budget), 1) if budget else "–"
    return _("%(share)s %% of the budget is spent.") % {"share": share}
