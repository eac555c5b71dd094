"""Everything that Oscar announces, and what it does not, becomes an event: each once."""

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model
from oscar.test.factories import UserFactory

from engagement.models import Event, EventName, Visitor
from tests.shops.minioscar import seed
from tests.shops.oscar.walking import FIREFOX, Walker, counted


def last(name):
    return Event.objects.filter(event=EventName.from_code(name)).latest("pk")


# -- looking and searching ----------------------------------------------------------------------
def test_a_page_that_is_only_asked_for_is_not_looked_at(shop):
    url = shop.mug.get_absolute_url()

    Client(HTTP_USER_AGENT=FIREFOX).head(url)
    Client(HTTP_USER_AGENT=FIREFOX, HTTP_SEC_PURPOSE="prefetch").get(url)
    Client(HTTP_USER_AGENT="Googlebot/2.1").get(url)

    assert counted() == {}


def test_the_next_page_of_what_was_found_is_the_same_search(shop):
    walker = Walker()

    walker.search("Mug")
    walker.search("Mug&page=1")
    walker.client.get(reverse("search:search") + "?q=Mug&page=2")
    walker.search(" ")

    assert counted() == {"search": 2}


# -- the basket -------------------------------------------------------------------------------
def test_what_is_put_in_and_taken_out_counts_by_its_pieces(shop):
    walker = Walker()
    told = []

    for step in (
        lambda: walker.add(shop.mug, 2),
        lambda: walker.add(shop.mug, 1),
        lambda: walker.change_basket(5),
        lambda: walker.change_basket(4),
        lambda: walker.change_basket(4),
        lambda: walker.change_basket(0),
    ):
        before = Event.objects.count()
        step()
        told.append(
            [
                (EventName(one.event).code, one.quantity)
                for one in Event.objects.order_by("pk")[before:]
            ]
        )

    assert told == [
        [("add_to_cart", 2)],
        [("add_to_cart", 1)],
        [("add_to_cart", 2)],
        [("remove_from_cart", 1)],
        [],
        [("remove_from_cart", 4)],
    ]


def test_a_line_is_deleted_with_its_box_ticked(shop):
    walker = Walker()
    walker.add(shop.mug, 3)

    walker.change_basket(3, **{"form-0-DELETE": "on"})

    assert counted() == {"add_to_cart": 1, "remove_from_cart": 1}
    assert last("remove_from_cart").quantity == 3


def test_a_variant_counts_for_its_product(shop):
    small = shop.shirt.children.get(title="Shirt S")

    Walker().add(small)

    event = last("add_to_cart")
    assert (event.item.key, event.variant_id) == (str(shop.shirt.pk), str(small.pk))


def test_a_basket_that_comes_along_at_sign_in_is_not_filled_again(shop):
    walker = Walker()
    walker.register()
    walker.add(shop.teapot)
    walker.client.logout()
    walker.add(shop.mug)
    walker.add(shop.teapot, 2)

    walker.sign_in()
    text = walker.get(reverse("basket:summary"))

    assert "Teapot" in text
    assert "Mug 0" in text
    assert counted() == {"add_to_cart": 3}


def test_what_is_saved_for_later_leaves_the_basket_and_comes_back(shop):
    walker = Walker()
    walker.register()
    walker.add(shop.mug, 2)

    walker.change_basket(2, **{"form-0-save_for_later": "on"})
    saved = get_model("basket", "Line").objects.get(basket__status="Saved")
    data = {
        "saved-TOTAL_FORMS": 1,
        "saved-INITIAL_FORMS": 1,
        "saved-0-id": saved.pk,
        "saved-0-move_to_basket": "on",
    }
    walker.post(reverse("basket:saved"), data)

    assert counted() == {"add_to_cart": 2, "remove_from_cart": 1}


def test_ordering_again_fills_the_basket(shop):
    walker = Walker()
    walker.register()
    walker.fill_basket(shop.mug)
    walker.check_out()
    (order,) = shop.orders()

    walker.post(
        reverse("customer:order", kwargs={"order_number": order.number}), {"action": "reorder"}
    )

    assert counted()["add_to_cart"] == 2
    assert counted()["remove_from_cart"] == 0


# -- orders -----------------------------------------------------------------------------------
def test_going_back_and_forth_begins_one_checkout(shop):
    walker = Walker()
    walker.register()
    walker.fill_basket(shop.mug)

    for _ in range(3):
        walker.get(reverse("checkout:index"))

    assert counted()["begin_checkout"] == 1


def test_an_order_is_what_was_bought_for_how_much(shop):
    walker = Walker()
    walker.add(shop.mug, 3)
    walker.add(shop.shirt.children.get(title="Shirt L"))

    walker.check_out(guest="guest@example.org")

    (order,) = shop.orders()
    rows = Event.objects.filter(order_ref=order.number).order_by("item__title")
    assert [
        (row.item.title, row.quantity, float(row.value), row.currency, bool(row.variant_id))
        for row in rows
    ] == [("Mug 0", 3, 18.0, "EUR", False), ("Shirt", 1, 12.0, "EUR", True)]


def test_an_order_without_a_visit_is_its_customers(shop):
    customer = UserFactory()

    seed.make_order("7001", [shop.mug], user=customer)

    assert last("purchase").visitor.key.startswith("c")
    assert counted() == {"purchase": 1}


def test_a_cancelled_order_is_taken_back_once(shop):
    order = seed.make_order("5001", [shop.mug, shop.teapot], user=UserFactory())
    first = order.lines.first()

    first.set_status("Returned")
    order.set_status("Cancelled")

    assert counted() == {"purchase": 2, "refund": 2}
    refunds = Event.objects.filter(event=EventName.REFUND)
    assert {row.item.title for row in refunds} == {"Mug 0", "Teapot"}


def test_two_lines_of_one_product_come_back_one_by_one(shop):
    order = seed.make_order("5002", [shop.mug], user=UserFactory())
    twin = order.lines.get()
    twin.pk, twin.quantity = None, 2
    twin.save()

    for line in order.lines.order_by("pk"):
        line.set_status("Returned")
    order.set_status("Cancelled")

    assert sorted(
        Event.objects.filter(event=EventName.REFUND).values_list("quantity", flat=True)
    ) == [1, 2]


def test_the_back_fill_adds_nothing_to_what_was_told(shop):
    walker = Walker()
    walker.add(shop.mug, 2)
    walker.add(shop.shirt.children.first())
    walker.check_out(guest="guest@example.org")
    seed.make_order("5003", [shop.mug], user=UserFactory()).set_status("Cancelled")
    before = Event.objects.count()

    call_command("engagement_backfill", verbosity=0)

    assert Event.objects.count() == before


# -- wishes, reviews, people ------------------------------------------------------------------
def test_a_wish_is_told_once(shop):
    walker = Walker()
    walker.register()
    url = reverse("customer:wishlists-add-product", kwargs={"product_pk": shop.mug.pk})

    walker.post(url, {})
    walker.post(url, {})

    assert counted()["add_to_wishlist"] == 1
    assert last("add_to_wishlist").visitor.key.startswith("c")


def test_a_guest_is_not_the_customer_whose_address_is_typed(shop):
    """Whoever types somebody's address must not be shown what that somebody has bought."""
    address = "victim@example.org"
    seed.make_order("6001", [shop.teapot], guest_email=address)
    victim = last("purchase").visitor
    walker = Walker()
    walker.fill_basket(shop.mug)

    walker.check_out(guest=address)

    assert last("purchase").visitor != victim
    assert last("purchase").visitor.key.startswith("a")
    assert Visitor.objects.exclude(merged_into=None).count() == 0


def test_signing_in_joins_what_was_done_before(shop):
    walker = Walker()
    walker.register()
    walker.client.logout()
    walker.client.cookies.clear()

    walker.get(shop.mug.get_absolute_url())
    walker.sign_in()

    assert last("view_item").visitor.merged_into.user.email == "ann@example.org"


@pytest.mark.parametrize(("consent", "answer"), [("opt_in", ""), ("not_needed", "no")])
def test_who_has_not_agreed_is_not_recorded(shop, settings, consent, answer):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": consent}
    walker = Walker()
    if answer:
        walker.client.cookies["engagement_consent"] = answer

    walker.shop(shop.mug)
    walker.fill_basket(shop.mug)
    walker.check_out(guest="guest@example.org")

    assert counted() == {}
    assert "engagement_visitor" not in walker.client.cookies


def test_staff_are_not_recorded(shop):
    walker = Walker()
    staff = UserFactory(is_staff=True)
    walker.client.force_login(staff)

    walker.shop(shop.mug)
    walker.fill_basket(shop.mug)

    assert counted() == {}
