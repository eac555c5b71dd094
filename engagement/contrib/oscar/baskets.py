"""
What visitors put into their baskets and take out again.

Oscar announces what is added by its form, and neither what an order of old or an API adds, nor a
changed quantity, nor what is taken out. All of it saves or deletes a line, so that is what counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest

from engagement.contrib.oscar.lines import line_of
from engagement.contrib.oscar.waiting import after_commit
from engagement.current_request import current_request
from engagement.shortcuts import receiver_guard, record_event

_BEFORE = "_engagement_before"


class _Place(NamedTuple):
    """In which basket a line is, with how many pieces."""

    basket_id: Any = None
    quantity: int = 0

    def pieces_in(self, basket_id: Any) -> int:
        return int(self.quantity or 0) if self.basket_id == basket_id else 0


NOWHERE = _Place()


@receiver_guard
def line_read(*, instance: Any, **kwargs: Any) -> None:
    """Remember how a line was when it came from the database: no signal tells what has changed."""
    # Not through the attributes: what is deferred would be fetched.
    values = instance.__dict__
    is_stored = values.get(instance._meta.pk.attname) is not None
    values[_BEFORE] = (
        _Place(values.get("basket_id"), values.get("quantity", 0)) if is_stored else NOWHERE
    )


@receiver_guard
def line_saved(*, instance: Any, **kwargs: Any) -> None:
    _follow(instance, _Place(instance.basket_id, instance.quantity))


@receiver_guard
def line_deleted(*, instance: Any, **kwargs: Any) -> None:
    _follow(instance, NOWHERE)


def _follow(line: Any, now: _Place) -> None:
    before = line.__dict__.get(_BEFORE, NOWHERE)
    line.__dict__[_BEFORE] = now
    request = current_request()
    basket_id = _basket_in_use(line, request)
    if basket_id is None:
        return
    # What moves between a visitor's own baskets at sign-in was put into one of them before.
    pieces = now.pieces_in(basket_id) - before.pieces_in(basket_id)
    if pieces:
        _changed(line=line, pieces=pieces, request=request)


def _basket_in_use(line: Any, request: HttpRequest | None) -> Any:
    """
    Return the key of the basket that the visitor is filling; None before it was looked up.

    Asked through ``request.basket``, the lazy object would look it up now.
    """
    if request is None:
        return None
    basket = getattr(request, "_basket_cache", None)
    if basket is None:
        # An API looks it up by itself. It is in use once it knows whose prices to show.
        kept = line._state.fields_cache.get("basket")
        basket = kept if getattr(kept, "has_strategy", False) else None
    return getattr(basket, "pk", None)


@after_commit
def _changed(*, line: Any, pieces: int, request: HttpRequest, **kwargs: Any) -> None:
    if line.product_id is None:
        return
    event = "add_to_cart" if pieces > 0 else "remove_from_cart"
    item = {**line_of(line.product), "quantity": abs(pieces)}
    record_event(event, request=request, items=[item])
