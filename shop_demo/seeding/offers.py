"""Campaigns and their coupons: who was sent what, and who used it."""

from __future__ import annotations

from datetime import UTC, timedelta
from decimal import Decimal

import pandas as pd

from shop_demo.models import Campaign, Coupon, Household, Product, Redemption
from shop_demo.seeding.catalogue import product_key
from shop_demo.seeding.source import Source


def amounts(lines: pd.DataFrame, coupons: pd.DataFrame) -> pd.Series:
    """
    Return the money off of each coupon: the median of what coupons took off its products,
    to the next five cents, between 25 cents and 5 dollars. The source data has no face values.
    """
    used = lines[lines["coupon"] > 0].groupby("product")["coupon"].median()
    typical = float(used.median()) if len(used) else 1.0
    worth = coupons.assign(worth=coupons["product_id"].map(used))
    median = worth.groupby(["coupon_upc", "campaign_id"])["worth"].median().fillna(typical)
    return (median.clip(0.25, 5.0) * 20).round() / 20


def save(source: Source, lines: pd.DataFrame, moved_by: timedelta) -> tuple[int, int]:
    """Store what an earlier run stored anew; return how many campaigns and coupons there are."""
    Campaign.objects.all().delete()
    numbers = {str(sku): pk for sku, pk in Product.objects.values_list("sku", "pk")}
    households = dict(Household.objects.values_list("number", "pk"))
    campaigns = {
        row.campaign_id: Campaign(
            number=row.campaign_id,
            kind=row.campaign_type,
            starts_at=(row.start_date + moved_by).to_pydatetime().replace(tzinfo=UTC),
            ends_at=(row.end_date + moved_by + timedelta(days=1))
            .to_pydatetime()
            .replace(tzinfo=UTC),
        )
        for row in source.campaigns().itertuples(index=False)
    }
    Campaign.objects.bulk_create(campaigns.values())
    sent = Campaign.households.through
    sent.objects.bulk_create(
        (
            sent(campaign_id=campaigns[campaign].pk, household_id=households[household])
            for campaign, household in source.mailings().itertuples(index=False)
            if household in households and campaign in campaigns
        ),
        batch_size=2000,
    )
    table = source.coupons()
    table = table[table["product_id"].astype(str).isin(numbers)]
    coupons = {
        (upc, campaign): Coupon(
            code=f"{campaign}-{int(upc) % 10**8:08d}",
            campaign=campaigns[campaign],
            amount=Decimal(f"{amount:.2f}"),
        )
        for (upc, campaign), amount in amounts(lines, table).items()
        if campaign in campaigns
    }
    # Two codes of the source data may end in the same eight digits: the later ones are left out.
    unique = {coupon.code: key for key, coupon in reversed(coupons.items())}
    coupons = {key: coupons[key] for key in unique.values()}
    Coupon.objects.bulk_create(coupons.values())
    on = Coupon.products.through
    on.objects.bulk_create(
        (
            on(coupon_id=coupons[upc, campaign].pk, product_id=product_key(product))
            for upc, product, campaign in table.itertuples(index=False)
            if (upc, campaign) in coupons
        ),
        batch_size=2000,
    )
    Redemption.objects.bulk_create(
        (
            Redemption(
                coupon_id=coupons[row.coupon_upc, row.campaign_id].pk,
                household_id=households[row.household_id],
                redeemed_at=(row.redemption_date + moved_by).to_pydatetime().replace(tzinfo=UTC),
            )
            for row in source.redemptions().itertuples(index=False)
            if (row.coupon_upc, row.campaign_id) in coupons and row.household_id in households
        ),
        ignore_conflicts=True,
    )
    return len(campaigns), len(coupons)
