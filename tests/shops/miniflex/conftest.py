"""Collects these tests only with this shop's settings: with the app, or without it."""

from pathlib import Path

from tests.shops.choosing import ignored

collect_ignore = ignored(Path(__file__).parent, "tests.shops.miniflex.settings")
