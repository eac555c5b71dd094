"""
Orders of plain models, told when they are saved: ``"ORDERS": {"LISTEN": True}``.

An order is told after its transaction, and again when a line of it is saved: without a
transaction the lines come later. What is known already is not stored twice.
"""

from __future__ import annotations

import weakref
from functools import partial
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models.signals import post_save

from engagement.adapters import accessors
from engagement.conf import app_settings
from engagement.shortcuts import receiver_guard, record_order

# On an order while it waits for its transaction: a weak reference, dead when that was rolled back.
PENDING = "_engagement_pending"


@receiver_guard
def order_saved(*, instance: Any, **kwargs: Any) -> None:
    _tell_once(instance)


@receiver_guard
def line_saved(*, instance: Any, **kwargs: Any) -> None:
    foreign = _line_key()
    order = foreign and foreign.get_cached_value(instance, default=None)
    if order is not None:
        _tell_once(order)
    elif foreign and getattr(instance, foreign.attname) is not None:
        # The key alone is enough: nothing is asked before the transaction has come through.
        record_order(foreign.related_model(pk=getattr(instance, foreign.attname)))


def _tell_once(order: Any) -> None:
    """Tell of an order after the transaction, however many of its lines are saved in it."""
    pending = getattr(order, PENDING, None)
    if pending is not None and pending() is not None:
        return
    tell = partial(_tell, order)
    setattr(order, PENDING, weakref.ref(tell))
    transaction.on_commit(tell, robust=True)


@receiver_guard
def _tell(order: Any) -> None:
    setattr(order, PENDING, None)
    record_order(order)


def _order_model() -> Any:
    return apps.get_model(app_settings.ORDERS["MODEL"])


def _line_key() -> Any:
    """Return the foreign key from a line to its order; None where lines are no rows."""
    lines = getattr(_order_model(), app_settings.ORDERS.get("LINES", "lines"), None)
    return getattr(getattr(lines, "rel", None), "field", None)


def connect() -> None:
    """Listen to the models that ``ORDERS`` names, if it says so and they exist."""
    try:
        if not app_settings.ORDERS.get("LISTEN"):
            return
        order = _order_model()
    except (AttributeError, LookupError, ValueError):
        # What is wrong with the settings is for the checks to tell.
        return
    line = accessors.many(order, app_settings.ORDERS.get("LINES", "lines"))
    post_save.connect(order_saved, sender=order, dispatch_uid="engagement.plain.order")
    if line is not None:
        post_save.connect(line_saved, sender=line, dispatch_uid="engagement.plain.line")


def disconnect() -> None:
    order = _order_model()
    line = accessors.many(order, app_settings.ORDERS.get("LINES", "lines"))
    post_save.disconnect(sender=order, dispatch_uid="engagement.plain.order")
    post_save.disconnect(sender=line, dispatch_uid="engagement.plain.line")
