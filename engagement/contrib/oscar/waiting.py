"""Receivers that wait: nothing of the shop's is looked up while its transaction runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from engagement import shortcuts
from engagement.current_request import current_request


def after_commit(function: Callable[..., None]) -> Callable[..., None]:
    """
    Have a receiver look at the shop only once its transaction has come through.

    It is told the ``request`` that is being answered, where the signal brings none: None in a
    worker or a command.
    """
    waiting = shortcuts.after_commit(function)

    @functools.wraps(function)
    def receiver(**kwargs: Any) -> None:
        kwargs.setdefault("request", current_request())
        waiting(**kwargs)

    return receiver
