"""What policies know of tastes carries the categories' own names."""

import pytest

from engagement.flows.deciding import contexts, tastes, versions
from engagement.flows.deciding.contexts import Facts
from engagement.models import VisitorTaste
from tests import deciding
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_item, make_visitor


def stock(*paths):
    for number, path in enumerate(paths):
        make_item(f"item-{number}", category=path)


@pytest.mark.django_db
def test_a_new_policy_knows_the_widest_categories_of_its_shop():
    stock("Food > Fruit", "Food > Bread", "Pets > Cats", "")
    point = deciding.make_point()

    version = versions.make(point, backend=deciding.UNIFORM)

    assert version.features == [*contexts.NAMES, "taste:Food", "taste:Pets"]


@pytest.mark.django_db
def test_of_many_categories_those_count_that_visitors_have_to_do_with():
    stock(*(f"Shelf {n:02} > A" for n in range(30)))
    VisitorTaste.objects.create(visitor=make_visitor("v"), category="Shelf 29 > A", share=10_000)

    found = tastes.names("")

    assert len(found) == tastes.MOST
    assert found[:2] == ["taste:Shelf 29", "taste:Shelf 00"]


@pytest.mark.django_db
def test_a_channel_has_its_own_categories():
    make_item("tea", category="Drinks > Tea", channel="b2b")

    assert tastes.names("") == []
    assert tastes.names("b2b") == ["taste:Drinks"]


def test_a_visitors_tastes_are_written_down_by_name():
    found = contexts.context(Facts(categories={"Food": 0.75, "Pets": 0.25}), at=MONDAY)

    assert {name: one for name, one in found.items() if name.startswith("taste")} == {
        "taste:Food": 0.75,
        "taste:Pets": 0.25,
    }
    assert contexts.vector(found, ["taste:Pets", "taste:Toys", "orders"]).tolist() == [0.25, 0, 0]


def test_of_one_visitor_the_largest_tastes_are_kept():
    shares = {f"{n:02}": (n + 1) / 1000 for n in range(40)}

    assert list(tastes.known(shares)) == [f"taste:{n:02}" for n in range(39, 23, -1)]


def test_a_policy_of_hashed_columns_still_sees_them():
    known = contexts.context(Facts(categories={"Food": 0.75, "Pets": 0.25}), at=MONDAY)

    now = contexts.vector(known, tastes.HASHED)
    before = contexts.vector({"taste_3": 0.5}, tastes.HASHED)

    assert now.sum() == pytest.approx(1.0)
    assert before.tolist() == [0, 0, 0, 0.5, 0, 0, 0, 0]


def test_tastes_are_told_in_words():
    told = contexts.in_words({"taste:Pets": 0.25, "taste_2": 0.1}, ["taste:Pets", "taste_2"])

    assert told == [
        ("share of Pets", "25 %", 0.25),
        ("share of categories 2", "10 %", 0.1),
    ]
