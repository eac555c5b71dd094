"""What docs/install-oscar.md tells its reader to type."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "install-oscar.md"


class Steps(NamedTuple):
    """The blocks of the page, in its order."""

    install: str
    settings: str
    addresses: str
    commands: list[str]


def read() -> Steps:
    text = PAGE.read_text().split("## What is there then")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    install, commands = (block for language, block in blocks if not language)
    settings, addresses = (block for language, block in blocks if language == "python")
    return Steps(install.strip(), settings, addresses, commands.split("\n")[:-1])
