"""Which items a shelf shows one of."""

import pytest

from engagement.learning.recommenders.lookalikes import kind, signatures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("White Milk, 1 gal", "White Milk, .5 gal"),
        ("Cola 6 x 330 ml", "Cola 12x330ml"),
        ("12-pack eggs", "Eggs, 6 ct"),
        ("T-shirt blue XL", "T-Shirt Blue, S"),
        ("Shampoo 1,5 l", "shampoo 750 ml"),
        ("牛奶 500毫升", "牛奶 1升"),
    ],
)
def test_sizes_of_one_product_are_alike(one, other):
    found = signatures([one, other], ["", ""])
    assert found[0] == found[1] != 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dune", "Emma"),
        ("Dune 1", "Dune 2"),
        ("Catch-22", "Catch"),
        ("Blue shirt", "Red shirt"),
        ("Fahrenheit 451", "Fahrenheit 1984"),
    ],
)
def test_other_products_are_not(one, other):
    found = signatures([one, other], ["", ""])
    assert found[0] != found[1]


def test_brand_and_category_tell_products_apart():
    kinds = [kind("Milk", {"brand": "A"}), kind("Milk", {"brand": "B"}), kind("Soap", None)]
    assert len(set(signatures(["White 1 l"] * 3, kinds).tolist())) == 3


def test_without_words_nothing_is_alike():
    assert signatures(["", "1 l", "XL"], ["", "", ""]).tolist() == [0, 0, 0]


def test_numbers_do_not_depend_on_the_process():
    assert signatures(["Milk, 1 l"], [""]).tolist() == signatures(["milk 2 l"], [""]).tolist()
