"""Queries whose SQL is made once."""

from __future__ import annotations

import pytest

from engagement.prepared import Among
from tests.othershop.models import Book, Sale
from tests.serving import shelve


@pytest.fixture
def books(db):
    shelve("Dune", "Emma", "Ubik")
    Book.objects.filter(slug="ubik").update(sold_out=True)


def on_sale():
    return Book.objects.filter(sold_out=False, published=True)


def test_it_finds_what_the_queryset_holds(books, django_assert_num_queries):
    among = Among(on_sale)

    with django_assert_num_queries(3):
        assert sorted(among.find(["dune", "emma", "ubik", "none"])) == ["dune", "emma"]
        assert among.find(["ubik", "none", "emma", "x"]) == ["emma"]
        assert among.find(["dune"]) == ["dune"]


def test_the_queryset_is_made_once_for_each_number_of_values(books):
    made = []

    def rows():
        made.append(1)
        return on_sale()

    among = Among(rows)
    among.find(["dune", "emma"])
    first = len(made)
    among.find(["ubik", "dune"])
    among.find(["ubik", "ubik", "dune"])

    assert len(made) == first


def test_changes_are_seen_at_once(books):
    among = Among(on_sale)
    assert among.find(["dune"]) == ["dune"]

    Book.objects.update(sold_out=True)

    assert among.find(["dune"]) == []


def test_nothing_asks_nothing(books, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Among(on_sale).find([]) == []


def test_other_fields_and_types(db, at):
    Sale.objects.bulk_create(Sale(number=f"S{n}", sold_at=at) for n in range(3))
    pks = list(Sale.objects.order_by("pk").values_list("pk", flat=True))

    assert Among(Sale.objects.all, "number").find(["S1", "S9"]) == ["S1"]
    assert sorted(Among(Sale.objects.all).find([*pks, 999_999])) == pks


def test_values_that_look_like_sql_are_values(books):
    assert Among(on_sale).find(["' OR 1=1 --", "%s"]) == []


def test_uuids_are_found(demo, db, at):
    from shop_demo.models import Category, Product

    category = Category.objects.create(slug="a", name="A")
    product = Product.objects.create(
        sku="1", category=category, name="Milk", price=1, regular_price=1, stock=1, added_at=at
    )

    assert Among(Product.objects.on_sale).find([product.pk]) == [product.pk]
