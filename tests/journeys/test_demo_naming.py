"""Names that a customer can read, from the short hand of a till."""

from __future__ import annotations

import pandas as pd
import pytest

from shop_demo.seeding import catalogue, naming, vocabulary


@pytest.mark.parametrize(
    ("package", "shown"),
    [
        ("1 GA", "1 gal"),
        ("12 OZ", "12 oz"),
        ("L    16 OZ", "16 oz"),
        ("(600) 4 LB", "4 lb"),
        ("22515 32 OZ", "32 oz"),
        ("10/6.75 OZ", "10 × 6.75 oz"),
        ("2 - 7.5 OZ", "2 × 7.5 oz"),
        ("12 PK/12 OZ", "12 × 12 oz"),
        ("18 OZ/30 CT", "30 × 18 oz"),
        ("1/2 GAL", "½ gal"),
        ("8 1/2 OZ", "8½ oz"),
        ("14.0 OZ", "14 oz"),
        (".5 L", "0.5 L"),
        ("PT", "1 pt"),
        ("1 DZ", "1 dozen"),
        ("83.5 SQ FT", "83.5 sq ft"),
        ("32 LOADS", "32 loads"),
        ("48-54 CT", "48–54 ct"),
        ("1 CT", ""),
        ("974246  PK", ""),
        ("CTN", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_package_size_is_written_as_on_a_shelf(package, shown):
    assert naming.size(package) == shown


def test_the_size_of_the_crate_is_not_the_size_of_the_fruit():
    assert naming.is_crate("40 lb")
    assert naming.is_crate("48–54 ct")
    assert not naming.is_crate("3 lb")
    assert not naming.is_crate("16 oz")
    assert not naming.is_crate("")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("FRZN BRD STICK/PORTON", "Frozen Breaded Stick Porton"),
        ("SW GDS: MUFFINS", "Sweet Goods Muffins"),
        ("CHEWING GUM", "Chewing Gum"),
        ("OLIVES & PICKLES (BULK)", "Olives and Pickles"),
        ("CAKES:", "Cakes"),
    ],
)
def test_a_type_that_has_no_name_is_spelt_out(kind, words):
    assert naming.words(kind) == words


def test_a_manufacturer_has_one_invented_brand_everywhere():
    assert naming.brand(764) == naming.brand(764) != ""
    assert naming.brand(69) == naming.brand(12, is_own=True) == "Fennel"
    assert naming.brand(2) == ""


def test_every_picture_and_list_that_the_vocabulary_names_is_there():
    words = vocabulary.load()
    entries = [*words.exact.values()]
    entries += [entry for patterns in words.beginnings.values() for _, entry in patterns]
    pictures = {entry.picture for entry in entries} | {one.picture for one in words.headings}

    folder = vocabulary.FOLDER.parent / "static" / "shop_demo" / "pictures"
    assert {name for name in pictures if not (folder / f"{name}.svg").exists()} == set()
    assert {entry.varieties for entry in entries} <= set(words.varieties)
    assert all(one.name and one.name_zh for one in words.headings)
    assert all(entry.name_zh for entry in entries if entry.name)


def named(*rows):
    columns = ["product_id", "manufacturer_id", "brand", "product_category", "product_type"]
    table = pd.DataFrame(rows, columns=[*columns, "package_size"])
    return catalogue.name_products(table, vocabulary.load())


def test_till_language_becomes_a_name_with_size_and_brand():
    [milk] = named(
        (1, 69, "Private", "FLUID MILK PRODUCTS", "FLUID MILK WHITE ONLY", "1 GA"),
    )

    assert (milk.name, milk.size, milk.brand) == ("White Milk", "1 gal", "Fennel")
    assert milk.name_zh == "纯牛奶"
    assert milk.entry.heading.slug == "milk-cream"


def test_what_a_brand_sells_twice_is_told_apart_by_a_variety():
    yogurts = named(
        *[
            (number, 764, "National", "YOGURT", "YOGURT NOT MULTI-PACKS", "6 OZ")
            for number in range(40)
        ]
    )

    names = [yogurt.name for yogurt in yogurts]
    assert len(set(names)) == 40
    assert names[:2] == ["Yogurt, Strawberry", "Yogurt, Vanilla"]
    assert len({yogurt.group_key for yogurt in yogurts}) == 1


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("CIGARETTES", "CIGARETTES"),
        ("COUPON/MISC ITEMS", "GASOLINE-REG UNLEADED"),
        ("LIQUOR", "BOURBON/TN WHISKEY (42 UNDER P"),
        ("BEERS/ALES", "BEERALEMALT LIQUORS"),
        ("PREPAID WIRELESS&ACCESSORIES", "PREPAID WIRELESS CARDS"),
    ],
)
def test_what_does_not_belong_into_a_family_grocery_is_left_out(category, kind):
    assert named((1, 5, "National", category, kind, "")) == []
