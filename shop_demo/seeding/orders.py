"""The receipts of the source data as the shop's past orders."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from itertools import islice
from typing import Any

import pandas as pd
from django.db import connection

from shop_demo.models import Order, OrderLine
from shop_demo.seeding.catalogue import NAMESPACE, product_key

BATCH = 20_000


def order_key(basket: int) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, f"order:{basket}")


def per_line(lines: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each product of a basket, in the order of the purchases."""
    return lines.groupby(["basket", "product"], sort=False, as_index=False).agg(
        {"household": "first", "at": "first", "quantity": "sum", "paid": "sum"}
    )


def save(
    lines: pd.DataFrame,
    users: dict[int, int],
    moved_by: timedelta,
    advance: Callable[[int], object],
) -> None:
    """
    Store the orders in place of those that an earlier run stored; orders that visitors placed in
    the shop stay. ``advance`` is told how many lines are done.

    Written with plain INSERTs: half a million model instances would take minutes on two cores.
    """
    old = Order.objects.filter(checkout_key=None)
    OrderLine.objects.filter(order__in=old)._raw_delete(using="default")
    old._raw_delete(using="default")
    table = per_line(lines)
    baskets = table.groupby("basket", sort=False).agg(
        household=("household", "first"), at=("at", "first"), total=("paid", "sum")
    )
    baskets["at"] = (baskets["at"] + moved_by).dt.tz_localize(UTC).dt.floor("s")
    prepare = Order._meta.pk.get_db_prep_save
    keys = {basket: prepare(order_key(basket), connection) for basket in baskets.index}
    products = {
        number: prepare(product_key(number), connection) for number in table["product"].unique()
    }
    moment = connection.ops.adapt_datetimefield_value
    _insert(
        Order,
        ["id", "number", "user_id", "placed_at", "status", "total", "discount"],
        (
            (
                keys[basket],
                str(basket),
                users[household],
                moment(at),
                Order.Status.PAID.value,
                f"{total:.2f}",
                "0.00",
            )
            for basket, household, at, total in zip(
                baskets.index.tolist(),
                baskets["household"].tolist(),
                baskets["at"].dt.to_pydatetime(),
                baskets["total"].tolist(),
                strict=True,
            )
        ),
    )
    _insert(
        OrderLine,
        ["order_id", "product_id", "quantity", "total"],
        (
            (keys[basket], products[product], quantity, f"{paid:.2f}")
            for basket, product, quantity, paid in zip(
                *(table[name].tolist() for name in ("basket", "product", "quantity", "paid")),
                strict=True,
            )
        ),
        advance,
    )


def _insert(
    model: type[Order] | type[OrderLine],
    columns: list[str],
    rows: Iterator[tuple[Any, ...]],
    advance: Callable[[int], object] = lambda done: None,
) -> None:
    """Insert rows of ``columns``; a model's other columns are texts, and stay empty."""
    empty = [
        field.column
        for field in model._meta.concrete_fields
        if field.column not in columns and not field.null and field.empty_strings_allowed
    ]
    names = ", ".join(connection.ops.quote_name(column) for column in [*columns, *empty])
    places = ", ".join(["%s"] * len(columns) + ["''"] * len(empty))
    table = connection.ops.quote_name(model._meta.db_table)
    statement = f"INSERT INTO {table} ({names}) VALUES ({places})"  # noqa: S608
    with connection.cursor() as cursor:
        while batch := list(islice(rows, BATCH)):
            cursor.executemany(statement, batch)
            advance(len(batch))
