from __future__ import annotations

import contextlib
from datetime import date

import pytest

from shop_demo.models import Product
from shop_demo.seeding.source import SIZES, Source
from shop_demo.seeding.steps import Seeding
from tests.journeys import source


class Silent(contextlib.AbstractContextManager):
    """A progress bar that shows nothing."""

    def __exit__(self, *error: object) -> None:
        return None

    def update(self, n: int) -> None:
        return None


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The folder of a tiny source."""
    return source.write(tmp_path_factory.mktemp("source"))


@pytest.fixture
def seeding(demo, db, data):
    """A run of the seed on the tiny source, not started."""
    return Seeding(
        Source(data), SIZES["full"], date.today(), lambda name, total: Silent(), verbosity=0
    )


@pytest.fixture
def shop(seeding):
    """The demonstration shop with products, households and orders; nothing is learnt yet."""
    for name in ("catalogue", "households", "orders", "coupons", "admin"):
        seeding._run(name)
    Product.objects.update(stock=50)
    return {int(product.sku): product for product in Product.objects.all()}


@pytest.fixture
def learnt(shop, seeding):
    """The same with past orders told to the app and its models trained."""
    for name in ("events", "models"):
        seeding._run(name)
    return shop
