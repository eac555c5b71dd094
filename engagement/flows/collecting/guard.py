"""What a shop's own code calls into must not be able to break the shop."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, transaction

from engagement.flows import faults, telemetry

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("engagement.receivers")


def receiver_guard(function: Callable[P, R]) -> Callable[P, R | None]:
    """
    Make a signal receiver harmless: what it raises is logged and counted, and goes no further.

    Rows that ``loaddata`` puts in (``raw=True``) are not news and are left alone::

        @receiver(post_save, sender=Wish)
        @receiver_guard
        def wished(sender, instance, created, **kwargs):
            if created:
                record_event("add_to_wishlist", customer=instance.owner_id, item=instance.book)
    """

    name = getattr(function, "__qualname__", repr(function))

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        if kwargs.get("raw"):
            return None
        try:
            return function(*args, **kwargs)
        except DatabaseError:
            telemetry.count_failure(name)
            # While a database is down, every page would tell.
            message = "%s failed for want of the database; the shop goes on."
            faults.report("database", message, name, to=logger)
            return None
        except Exception:
            telemetry.count_failure(name)
            logger.exception("%s failed; the shop goes on.", name)
            return None

    return guarded


def after_commit(function: Callable[P, object]) -> Callable[P, None]:
    """
    Have a harmless receiver run once the shop's transaction has come through: it may then ask the
    database, and finds what was written after the signal was sent::

        @after_commit
        def status_changed(order, **kwargs):
            record_order(order)
    """
    harmless = receiver_guard(function)

    @receiver_guard
    @functools.wraps(function)
    def receiver(*args: P.args, **kwargs: P.kwargs) -> None:
        transaction.on_commit(functools.partial(harmless, *args, **kwargs), robust=True)

    return receiver
