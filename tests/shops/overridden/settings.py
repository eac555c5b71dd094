"""The small shop whose project has a product page of its own, which extends Oscar's."""

from pathlib import Path

from tests.shops.minioscar.settings import *  # noqa: F403

TEMPLATES = [
    {**TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates"]},  # noqa: F405
]
