"""A visitor goes through a shop made with Oscar, and the app through it with them."""

import re

from django.urls import reverse
from oscar.core.loading import get_model

from engagement.models import Event, EventName
from tests.shops.oscar.walking import Walker, counted

SHELVES = {
    "home": {"home.for_you"},
    "category": {"category.top"},
    "product": {"product.bought_together", "product.similar"},
    "search": {"search.results"},
    "nothing found": {"search.no_results"},
    "basket": {"cart.complete_the_set"},
    "thank you": {"confirmation.also_bought"},
}


def test_a_guest_meets_every_shelf_and_is_counted_once(shop):
    walker = Walker()

    walker.shop(shop.mug)
    walker.fill_basket(shop.mug)
    walker.check_out(guest="guest@example.org")

    missing = {page: want - walker.shelves[page] for page, want in SHELVES.items()}
    assert {page: want for page, want in missing.items() if want} == {}
    assert counted() == {
        # The page that the button leads back to is the basket.
        "view_item": 1,
        "search": 2,
        "add_to_cart": 1,
        "begin_checkout": 1,
        "purchase": 1,
    }
    (order,) = shop.orders()
    bought = Event.objects.get(order_ref=order.number)
    # The guest's own visit has led here, not a stranger known by an address.
    assert len(walker.client.cookies["engagement_visitor"].value) > 20
    assert bought.visitor_id == Event.objects.filter(event=EventName.ADD_TO_CART).get().visitor_id


def test_a_customer_registers_and_reviews_and_finds_shelves_in_the_account(shop):
    walker = Walker()

    walker.shop(shop.mug)
    walker.register()
    walker.fill_basket(shop.mug)
    walker.check_out()
    walker.review(shop.mug)
    walker.get(reverse("customer:profile-view"), "account")

    assert {"account.for_you", "account.buy_again"} <= walker.shelves["account"]
    assert counted() == {
        "view_item": 2,
        "search": 2,
        "add_to_cart": 1,
        "begin_checkout": 1,
        "purchase": 1,
        "submit_review": 1,
    }
    (order,) = shop.orders()
    customer = Event.objects.get(order_ref=order.number).visitor
    viewed = Event.objects.filter(event=EventName.VIEW_ITEM).earliest("pk").visitor
    # What was looked at before registering is the customer's.
    assert customer.user_id == order.user_id
    assert viewed.merged_into == customer
    assert get_model("reviews", "ProductReview").objects.get().status == 0


def test_what_is_bought_together_leads_the_product_page(shop):
    text = Walker().get(shop.mug.get_absolute_url())

    shelf = text.split('data-placement="product.bought_together"')[1]
    assert f'data-engagement-item="{shop.teapot.pk}"' in shelf.split("</li>")[0]


def test_cards_look_as_in_the_shops_own_lists(shop):
    text = Walker().get(shop.mug.get_absolute_url())

    shelf = text.split('data-placement="product.bought_together"')[1]
    assert '<article class="product_pod">' in shelf


def test_what_was_found_is_not_recommended_beside_it(shop):
    text = Walker().search("Mug")

    found, shelf = text.split('data-placement="search.results"')
    assert f'href="{shop.mug.get_absolute_url()}"' in found
    assert f'href="{shop.mug.get_absolute_url()}"' not in shelf
    assert f'data-engagement-item="{shop.teapot.pk}"' in shelf


def test_a_click_and_its_purchase_are_the_shelfs(shop):
    walker = Walker()
    text = walker.get(shop.mug.get_absolute_url())
    shelf = text.split('data-placement="product.bought_together"')[1]
    token = re.search(r'data-recommendation-id="([^"]+)"', shelf)[1]
    click = {
        "event": "select_item",
        "recommendation_id": token,
        "items": [{"item_id": str(shop.teapot.pk), "index": 1}],
    }

    answer = walker.client.post(
        reverse("engagement:events"), {"events": [click]}, content_type="application/json"
    )
    walker.fill_basket(shop.teapot)
    walker.check_out(guest="guest@example.org")

    assert answer.status_code == 200
    clicked = Event.objects.get(event=EventName.SELECT_ITEM)
    (order,) = shop.orders()
    assert (clicked.placement, clicked.item.key) == ("product.bought_together", str(shop.teapot.pk))
    bought = Event.objects.get(order_ref=order.number)
    assert bought.visitor_id == clicked.visitor_id
    assert bought.placement == "product.bought_together"
    assert bought.recommendation_id == clicked.recommendation_id
