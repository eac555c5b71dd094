"""
Online Retail (UCI 352), 28-day time split.

python -m benchmarks.online_retail [--cut DAYS] [--all-models]

Lines with a customer, positive quantity and price, no cancellation, a stock code that starts with
five digits. What was bought until ``cut`` days before the end is training; what each known customer
buys in the 28 days after, among known items, is the answer; the whole catalogue is ranked. «all»:
any purchase counts. «new»: only what the customer never bought before, and the history is masked.
Settings were chosen with --cut 56, that is, without the last 28 days.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas
from numpy.typing import NDArray

from benchmarks.measures import DATA, at_n, show, stopwatch
from engagement.learning.interactions import DAY, Interactions
from engagement.learning.recommenders.blend import MEMBERS, Blend, build
from engagement.learning.recommenders.content import text_features
from engagement.learning.recommenders.features import Catalogue

HORIZON = 28 * DAY
SINGLE = {
    "bestsellers, 7 days": MEMBERS["popular"],
    "own purchases": {"BACKEND": "engagement.learning.recommenders.repeat.RepeatPurchase"},
    "item neighbours": {"BACKEND": "engagement.learning.recommenders.neighbours.ItemKNN"},
    "RP3β": {"BACKEND": "engagement.learning.recommenders.graph.RP3Beta"},
    **{f"member: {name}": spec for name, spec in MEMBERS.items() if name != "popular"},
}


def load() -> tuple[Interactions, pandas.DataFrame]:
    lines = pandas.read_parquet(DATA / "online_retail" / "online_retail.parquet")
    kept = lines.CustomerID.notna() & (lines.Quantity > 0) & (lines.UnitPrice > 0)
    kept &= ~lines.InvoiceNo.str.startswith("C") & lines.StockCode.str.match(r"^\d{5}")
    lines = lines[kept].copy()
    lines["moment"] = lines.InvoiceDate.values.astype("datetime64[s]").astype("int64")
    # One interaction an invoice and item: how often somebody came for it; its weight the quantity.
    bought = lines.groupby(["InvoiceNo", "StockCode"], as_index=False, sort=False).agg(
        customer=("CustomerID", "first"), moment=("moment", "first"), quantity=("Quantity", "sum")
    )
    log = Interactions.from_keys(
        bought.customer.to_numpy(dtype=np.int64),
        bought.StockCode.to_numpy(dtype=str),
        bought.moment.to_numpy(),
        bought.quantity.to_numpy(),
    )
    return log, lines


def catalogue(lines: pandas.DataFrame, keys: NDArray, cut: int) -> Catalogue:
    """Titles, prices until the cut, and the first three digits of the code as category."""
    titles = lines.drop_duplicates("StockCode").set_index("StockCode").Description.fillna("")
    prices = lines[lines.moment < cut].groupby("StockCode").UnitPrice.median().reindex(keys)
    return Catalogue(
        prices=prices.to_numpy(dtype=np.float32),
        categories=np.unique([key[:3] for key in keys], return_inverse=True)[1].astype(np.int32),
        texts=text_features([titles[key] for key in keys]),
    )


def split(log: Interactions, cut: int) -> tuple[Interactions, NDArray, NDArray]:
    before = log.select(log.moments < cut)
    known = np.bincount(before.rows, minlength=log.n_rows)[log.rows] > 0
    known &= np.bincount(before.columns, minlength=log.n_columns)[log.columns] > 0
    inside = known & (log.moments >= cut) & (log.moments < cut + HORIZON)
    asked = np.unique(log.rows[inside])
    answers = np.zeros((len(asked), log.n_columns), dtype=bool)
    answers[np.searchsorted(asked, log.rows[inside]), log.columns[inside]] = True
    return before, asked, answers


def measure(scores: NDArray, answers: NDArray, owned: NDArray) -> dict:
    everything = at_n(scores, answers, 10)
    new = at_n(np.where(owned, -np.inf, scores), answers & ~owned, 10)
    names = ("n", "HR", "nDCG", "recall")
    return {
        **{f"all {name}": v for name, v in zip(names, everything.values(), strict=True)},
        **{f"new {name}": v for name, v in zip(names, new.values(), strict=True)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cut", type=int, default=28, help="days before the end of the log")
    parser.add_argument("--all-models", action="store_true", help="single models too")
    arguments = parser.parse_args()

    log, lines = load()
    cut = int(log.moments.max()) - arguments.cut * DAY
    before, asked, answers = split(log, cut)
    histories = before.histories(asked, now=cut)
    owned = histories.matrix(log.n_columns).toarray() > 0
    shop = catalogue(lines, log.column_keys, cut)
    ones = np.ones(len(before), dtype=np.float32)
    plain = Interactions(
        before.rows, before.columns, before.moments, ones, log.n_rows, log.n_columns
    )
    questions = plain.histories(asked, now=cut)
    print(f"{len(log)} interactions, {len(histories)} customers asked")
    first = True
    for name, spec in (SINGLE if arguments.all_models else {}).items():
        with stopwatch() as taken:
            days = spec.get("WINDOW_DAYS")
            learnt = plain if days is None else plain.select(plain.moments >= cut - days * DAY)
            model = build(spec)
            model.fit(learnt, **({"catalogue": shop} if "texts" in name else {}))
        values = measure(model.score(questions), answers, owned)
        show(name, values, taken[0], names=first)
        first = False
    for name, repeats in (("blend", True), ("blend, new items only", False)):
        with stopwatch() as taken:
            model = Blend(repeats=repeats, strength_power=0, n_candidates=100, n_ranked=350)
            model.fit(before, catalogue=shop)
        values = measure(model.score(histories), answers, owned)
        show(name, values, taken[0], names=first)
        first = False


if __name__ == "__main__":
    main()
