"""What a shop's own code calls into must not be able to break the shop."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DatabaseError

from engagement.flows import faults

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("engagement.receivers")


def receiver_guard(function: Callable[P, R]) -> Callable[P, R | None]:
    """
    Make a signal receiver harmless: what it raises is logged and goes no further.

    Rows that ``loaddata`` puts in (``raw=True``) are not news and are left alone::

        @receiver(post_save, sender=Wish)
        @receiver_guard
        def wished(sender, instance, created, **kwargs):
            if created:
                record_event("add_to_wishlist", customer=instance.owner_id, item=instance.book)
    """

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
        if kwargs.get("raw"):
            return None
        try:
            return function(*args, **kwargs)
        except DatabaseError:
            # While a database is down, every page would tell.
            message = "%s failed for want of the database; the shop goes on."
            faults.report("database", message, function.__qualname__, to=logger)
            return None
        except Exception:
            logger.exception("%s failed; the shop goes on.", function.__qualname__)
            return None

    return guarded
