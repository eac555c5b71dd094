"""Which queries are ours: those that the app makes, or has made by what it renders."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

import engagement

OURS = str(Path(engagement.__file__).parent)
# It is around every request, whatever happens in it.
AROUND = str(Path(OURS) / "middleware.py")


@contextmanager
def our_queries() -> Iterator[list[str]]:
    """Yield a list that such queries are put on; where a transaction begins and ends is none."""
    found: list[str] = []

    def watch(execute, sql, params, many, context):
        if sql in ("BEGIN", "COMMIT"):
            return execute(sql, params, many, context)
        frame = sys._getframe()
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(OURS) and name != AROUND:
                found.append(sql)
                break
            frame = frame.f_back
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield found
