"""What the app costs a page of the shop: queries that would not be made without it."""

from __future__ import annotations

import pytest
from oscar.core.loading import get_model

from tests.shops.minioscar import seed
from tests.shops.oscar.walking import Walker
from tests.shops.oscar.watching import our_queries


@pytest.fixture
def visitor(shop, settings):
    """Somebody with a past, in a process that has shown the page before."""
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 3600}
    for hue, product in enumerate(get_model("catalogue", "Product").objects.filter(parent=None)):
        seed.make_picture(product, 40 * hue)
    walker = Walker()
    for product in (shop.mug, shop.teapot, shop.mug):
        walker.get(product.get_absolute_url())
    return walker


def test_a_product_page_asks_three_questions_more(shop, visitor):
    # Nothing of the shop's is remembered.
    get_model("partner", "StockRecord").objects.first().save()
    for stock in get_model("partner", "StockRecord").objects.all():
        stock.save()

    with our_queries() as found:
        text = visitor.get(shop.mug.get_absolute_url())

    assert text.count("data-engagement-item") >= 6
    assert [sql.split()[0] for sql in found] == ["INSERT", "SELECT", "SELECT"]


def test_a_shelf_that_is_kept_asks_none(shop, visitor):
    stranger = Walker()
    stranger.client.cookies["engagement_consent"] = "no"
    stranger.get(shop.mug.get_absolute_url(), "product")

    with our_queries() as found:
        stranger.get(shop.mug.get_absolute_url(), "product")

    assert stranger.shelves["product"] == {"product.bought_together", "product.similar"}
    assert found == []
