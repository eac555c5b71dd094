"""What a page of the docs tells its reader to type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


class Steps(NamedTuple):
    """The blocks of the page, in its order."""

    install: str
    settings: str
    addresses: str
    commands: list[str]


def read(name: str = "install-oscar.md") -> Steps:
    """Return what a page of the docs tells to do, up to its first heading."""
    text = (DOCS / name).read_text().split("\n## ")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    install, commands = (block for language, block in blocks if not language)
    settings, addresses = (block for language, block in blocks if language == "python")
    return Steps(install.strip(), settings, addresses, commands.split("\n")[:-1])
