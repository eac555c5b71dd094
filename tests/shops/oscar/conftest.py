"""A small shop on Oscar that was filled and learnt from, as it stands on the day after."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import setup_databases, teardown_databases
from haystack import connections as search
from oscar.core.loading import get_model

from engagement.models import Event
from tests.shops.minioscar import seed
from tests.shops.snapshots import Snapshot


@dataclass(frozen=True)
class Shop:
    """The two products that are bought together, and one that is sold in sizes."""

    mug: Any
    teapot: Any
    shirt: Any

    @staticmethod
    def orders() -> list[Any]:
        """Return the orders that were placed since the shop was filled."""
        return list(get_model("order", "Order").objects.exclude(number__startswith="past"))


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment, django_db_blocker, django_db_modify_db_settings
) -> Iterator[None]:
    """Make the database for tests too that bring their transactions with them, as `shop` does."""
    # Migrating Oscar takes longer than all tests.
    settings.MIGRATION_MODULES = dict.fromkeys(apps.app_configs)
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session")
def _snapshots(django_db_setup, django_db_blocker) -> Iterator[tuple[Snapshot, Snapshot]]:
    with django_db_blocker.unblock():
        empty = Snapshot("empty")
        seed.fill()
        call_command("rebuild_index", interactive=False, verbosity=0)
        # As on the day on which the app is installed: nothing was recorded before.
        Event.objects.all().delete()
        call_command("engagement_backfill", verbosity=0)
        call_command("engagement_train", verbosity=0)
        filled = Snapshot("filled")
        empty.restore()
    yield empty, filled
    with django_db_blocker.unblock():
        empty.drop()
        filled.drop()


@pytest.fixture(scope="session")
def _found(_snapshots, tmp_path_factory) -> Path:
    """Return a copy of the search index of the filled shop."""
    copy = tmp_path_factory.mktemp("search") / "index"
    return Path(shutil.copytree(search["default"].get_backend().path, copy))


@pytest.fixture
def shop(_snapshots, _found, django_db_blocker) -> Iterator[Shop]:
    """A filled shop with transactions of its own; the database is empty again afterwards."""
    empty, filled = _snapshots
    with django_db_blocker.unblock(), empty.aside():
        filled.restore()
        # The products of other tests stay in it, under the keys of this shop's.
        index = search["default"].get_backend()
        shutil.rmtree(index.path)
        shutil.copytree(_found, index.path)
        index.setup()
        products = get_model("catalogue", "Product").objects
        yield Shop(*(products.get(upc=upc) for upc in ("Mug 0", "Teapot", "Shirt")))
        assert not connection.in_atomic_block
