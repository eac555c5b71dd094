"""Oscar's own records of what customers have looked at and searched for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from oscar.core.loading import get_model

from engagement.adapters import ActivityData

AT_ONCE = 2000


def iter_activity(since: datetime | None) -> Iterator[ActivityData]:
    """Yield views and searches, oldest first; a shop may have left Oscar's analytics out."""
    return heapq.merge(_views(since), _searches(since), key=lambda note: note.at)


def _views(since: datetime | None) -> Iterator[ActivityData]:
    rows = _rows("UserProductView", since)
    if rows is None:
        return
    columns = ("pk", "user_id", "date_created", "product_id", "product__parent_id")
    for pk, user, at, product, parent in rows.values_list(*columns).iterator(AT_ONCE):
        yield ActivityData(
            event="view_item",
            at=at,
            customer=str(user),
            ref=str(pk),
            item_key=str(parent or product),
            variant_id=str(product) if parent else "",
        )


def _searches(since: datetime | None) -> Iterator[ActivityData]:
    rows = _rows("UserSearch", since)
    if rows is None:
        return
    columns = ("pk", "user_id", "date_created", "query")
    for pk, user, at, query in rows.values_list(*columns).iterator(AT_ONCE):
        if query.strip():
            yield ActivityData(
                event="search", at=at, customer=str(user), ref=str(pk), query=str(query)
            )


def _rows(name: str, since: datetime | None) -> Any:
    try:
        rows = get_model("analytics", name).objects.order_by("date_created", "pk")
    except LookupError:
        return None
    try:
        get_user_model()._meta.get_field("is_staff")
    except FieldDoesNotExist:
        pass
    else:
        rows = rows.filter(user__is_staff=False)
    return rows if since is None else rows.filter(date_created__gte=since)
