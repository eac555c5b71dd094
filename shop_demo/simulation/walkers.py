"""
Which visitors walked through the pages: to the shop they are visitors like any other.

Their keys are kept in a file beside the shop's database, so that they can be forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

# How the addresses of their orders begin.
NAME = "walker-"
KEY = re.compile(r"a[0-9a-f]{32}\Z")


def file() -> Path:
    return Path(settings.VAR) / "simulated-visitors.txt"


def remember(cookies: Iterable[str]) -> None:
    """Keep the keys in some visitors' cookies: what stands before the signature."""
    keys = [value.partition(":")[0] for value in cookies]
    with file().open("a", encoding="ascii") as lines:
        lines.writelines(f"{key}\n" for key in keys if KEY.match(key))


def known() -> list[str]:
    if not file().exists():
        return []
    return [key for key in file().read_text(encoding="ascii").split() if KEY.match(key)]


def forget() -> None:
    file().unlink(missing_ok=True)
