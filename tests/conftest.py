"""What every test can ask for, and which tests cannot run on this machine (each says why)."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from tests.browser import chromium

MONDAY = datetime.fromisoformat("2026-03-02T09:00:00+00:00")

# The same examples on every machine and in every run, however slow the machine is.
hypothesis.settings.register_profile(
    "tests", derandomize=True, deadline=None, database=None, max_examples=50
)
hypothesis.settings.load_profile("tests")


# -- which tests run ------------------------------------------------------------------------
def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run what is marked slow")


def _reasons(config: pytest.Config) -> dict[str, str]:
    """Return by marker why tests that carry it cannot run now."""
    reasons = {}
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        reasons["postgresql"] = "needs PostgreSQL: python -m tests.services -- pytest"
    if not os.environ.get("CELERY_BROKER_URL", "").startswith("redis"):
        reasons["redis"] = "needs Redis: python -m tests.services -- pytest"
    if importlib.util.find_spec("playwright") is None or chromium() is None:
        reasons["browser"] = "no Chromium found: install it, or name one in CHROMIUM"
    data = os.environ.get("ENGAGEMENT_DATA", "")
    if not data or not Path(data).is_dir():
        reasons["data"] = "ENGAGEMENT_DATA names no folder of data sets"
    if not config.getoption("--slow") and "slow" not in config.getoption("-m"):
        reasons["slow"] = "slow: pytest --slow"
    return reasons


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    reasons = _reasons(config)
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=reason))
                break


# -- what no test does ----------------------------------------------------------------------
@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that would leave this machine."""
    connect = socket.socket.connect

    def connect_here(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])  # type: ignore[index]
            if host not in ("localhost", "::1") and not host.startswith("127."):
                raise OSError(f"A test must not connect to {host}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect_here)
        yield


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    """Forget what a process keeps between requests: cached answers, loaded models, the adapter."""
    from django.core.cache import caches

    from engagement import adapters
    from engagement.conf import app_settings

    yield
    for cache in caches.all():
        cache.clear()
    app_settings.reload()
    adapters._adapter.cache_clear()
    # A module that keeps something per process has a function ``forget``.
    for name, module in list(sys.modules.items()):
        if name.startswith("engagement.") and callable(getattr(module, "forget", None)):
            module.forget()


# -- time and chance ------------------------------------------------------------------------
@pytest.fixture
def at() -> datetime:
    """The moment at which a test happens: a Monday morning."""
    return MONDAY


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(2026)


# -- the shops ------------------------------------------------------------------------------
@pytest.fixture
def books(db: None) -> list:
    """Three books, in catalogue order: Dune, Emma, Ulysses."""
    from tests.othershop import catalogue

    return [catalogue.make_book(title) for title in ("Dune", "Emma", "Ulysses")]


@pytest.fixture
def bookshop(db: None):
    """
    A bookshop with eight weeks of sales and obvious tastes.

    See :class:`tests.othershop.catalogue.Bookshop`.
    """
    from tests.othershop import catalogue

    return catalogue.make_bookshop(until=MONDAY)


@pytest.fixture
def demo(settings):
    """Put the demonstration shop in charge instead of the bookshop."""
    settings.ENGAGEMENT = settings.DEMO_ENGAGEMENT
    settings.ROOT_URLCONF = settings.DEMO_ROOT_URLCONF
    settings.TEMPLATES = settings.DEMO_TEMPLATES
    return settings
