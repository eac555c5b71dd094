"""Products are read in one query, as Oscar's own are, and anew as soon as they change."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oscar.core.loading import get_class, get_model
from oscar.test.factories import UserFactory

from engagement.contrib.oscar import products
from engagement.contrib.oscar.adapter import OscarAdapter
from tests.shops.minioscar import seed

Product = get_model("catalogue", "Product")


def find(*keys, seconds=0):
    with CaptureQueriesContext(connection) as queries:
        found = products.find(keys, seconds=seconds)
    return found, len(queries)


@pytest.fixture
def strategy():
    return get_class("partner.strategy", "Selector")().strategy()


def test_all_that_a_card_shows_comes_with_one_query(db, strategy):
    mug, shirt = seed.make_product("Mug"), seed.make_parent("Shirt", ["S", "L"])
    for hue in (0, 90):
        seed.make_picture(mug, hue)

    found, n = find(mug.pk, shirt.pk)

    assert n == 1
    with CaptureQueriesContext(connection) as queries:
        for key, own in ((mug.pk, mug), (shirt.pk, shirt)):
            one = found[key]
            assert one == own
            assert one.get_title() == own.title
            assert one.get_product_class().name == "Demo"
            assert one.has_options is False
            assert len(one.stockrecords.all()) == (key == mug.pk)
        assert strategy.fetch_for_product(found[mug.pk]).price.incl_tax == 10
        assert strategy.fetch_for_parent(found[shirt.pk]).price.incl_tax == 12
        pictures = [image.pk for image in found[mug.pk].images.all()]
        first = found[mug.pk].primary_image()
        children = [child.title for child in found[shirt.pk].children.all()]
        assert found[shirt.pk].children.all()[0].parent is found[shirt.pk]
    assert len(queries) == 0
    assert pictures == [image.pk for image in mug.images.all()]
    assert first == mug.primary_image()
    assert sorted(children) == ["Shirt L", "Shirt S"]


def test_every_field_is_as_in_the_database(db):
    mug = seed.make_product("Mug")
    seed.make_picture(mug)
    fresh = Product.objects.get(pk=mug.pk)

    one = find(mug.pk)[0][mug.pk]

    for own, read in (
        (fresh, one),
        (fresh.product_class, one.product_class),
        (fresh.stockrecords.get(), one.stockrecords.all()[0]),
        (fresh.images.get(), one.images.all()[0]),
    ):
        names = [field.attname for field in own._meta.concrete_fields]
        assert [getattr(read, name) for name in names] == [getattr(own, name) for name in names]


def test_a_variant_is_not_found_and_takes_nothing_from_its_parent(db):
    shirt = seed.make_parent("Shirt", ["S", "L"])
    small = shirt.children.get(title="Shirt S")
    find(shirt.pk, seconds=60)

    found, _n = find(shirt.pk, small.pk, seconds=60)

    assert list(found) == [shirt.pk]
    assert len(found[shirt.pk].children.all()) == 2


def test_what_was_read_a_moment_ago_is_not_read_again(shop):
    find(shop.mug.pk, shop.shirt.pk, 10**9, seconds=60)

    found, n = find(shop.mug.pk, shop.shirt.pk, 10**9, seconds=60)

    assert (list(found), n) == ([shop.mug.pk, shop.shirt.pk], 0)


@pytest.mark.parametrize("keep_seconds", [0, 60])
def test_who_is_sold_out_or_hidden_is_gone_at_once(shop, keep_seconds, monkeypatch):
    monkeypatch.setattr(OscarAdapter, "keep_seconds", keep_seconds)
    adapter = OscarAdapter()
    keys = [str(one.pk) for one in (shop.mug, shop.teapot, shop.shirt)]
    assert list(adapter.resolve(keys)) == keys

    stock = shop.mug.stockrecords.get()
    stock.num_in_stock = 0
    stock.save()
    shop.teapot.is_public = False
    shop.teapot.save()
    for child in shop.shirt.children.all():
        child.stockrecords.all().delete()

    assert list(adapter.resolve(keys)) == []


def test_the_last_one_that_is_ordered_is_gone_at_once(shop):
    stock = shop.mug.stockrecords.get()
    stock.num_in_stock = (stock.num_allocated or 0) + 1
    stock.save()
    adapter = OscarAdapter()
    assert adapter.resolve([str(shop.mug.pk)])

    seed.make_order("8001", [shop.mug], user=UserFactory())

    assert adapter.resolve([str(shop.mug.pk)]) == {}
