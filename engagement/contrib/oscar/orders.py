"""Orders that were placed, wherever that was, and what was taken back of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from engagement.contrib.oscar import vouchers
from engagement.contrib.oscar.adapter import oscar_adapter
from engagement.contrib.oscar.lines import line_of, value_of
from engagement.contrib.oscar.waiting import after_commit
from engagement.models import Event, EventName
from engagement.shortcuts import receiver_guard, record_event, record_order, reverse_offer


@receiver_guard
def placed(*, order: Any, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """
    Tell of an order, wherever it was placed: the checkout, an API, the dashboard.

    Heard twice (``order_placed``, and ``post_checkout`` with its request), stored once.
    """
    record_order(order, request=request)


@after_commit
def order_changed(*, order: Any, old_status: str, new_status: str, **kwargs: Any) -> None:
    if _is_taken_back(old_status, new_status):
        _take_back(order, _lines_of(order))
        if reverse_offer(str(order.number)):
            vouchers.count_again(order)


@after_commit
def line_changed(*, line: Any, old_status: str, new_status: str, **kwargs: Any) -> None:
    if _is_taken_back(old_status, new_status):
        _take_back(line.order, [line])


def _is_taken_back(old_status: str, new_status: str) -> bool:
    back = oscar_adapter().cancelled_statuses
    return new_status in back and old_status not in back


def _take_back(order: Any, lines: Iterable[Any]) -> None:
    """
    Tell of lines that came back: an order may be cancelled after its lines, each counts once.

    Lines of the same product are told apart by their number among themselves.
    """
    adapter = oscar_adapter()
    bought = Event.objects.filter(channel=adapter.get_channel(), order_ref=str(order.number))
    if not bought.filter(event=EventName.PURCHASE).exists():
        return
    numbers = _numbers(order)
    by_number: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        if line.pk in numbers:
            item = {"quantity": line.quantity, "value": value_of(line)}
            by_number.setdefault(numbers[line.pk], []).append({**line_of(line.product), **item})
    for number, items in by_number.items():
        record_event(
            "refund",
            customer=adapter.customer_of(order),
            order_ref=str(order.number),
            refund_ref=f"{order.number}-{number}" if number else "",
            currency=str(order.currency),
            items=items,
        )


def _numbers(order: Any) -> dict[Any, int]:
    """Return for each line of an order how many lines of the same product stand before it."""
    seen: Counter[Any] = Counter()
    numbers = {}
    for line in _lines_of(order):
        numbers[line.pk] = seen[line.product_id]
        seen[line.product_id] += 1
    return numbers


def _lines_of(order: Any) -> list[Any]:
    """Return an order's lines; products that were deleted since are none any more."""
    return list(order.lines.exclude(product=None).select_related("product").order_by("pk"))
