"""What a shelf shows, and what it never shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engagement.flows.serving.recommend import recommend
from engagement.models import EventName, Item
from tests.othershop.catalogue import make_event, make_item, make_visitor
from tests.othershop.models import Book
from tests.serving import go_live, pairs, place, shelve, shown, visitor

EMMA_FIRST = {("dune", "emma"): 3.0, ("dune", "ulysses"): 2.0, ("dune", "solaris"): 1.0}


@pytest.fixture
def items(db):
    return shelve("Dune", "Emma", "Ulysses", "Solaris")


@pytest.fixture
def person():
    return visitor()


@pytest.fixture
def did(person):
    """Let the visitor do something to a book."""

    def do(event, key, at, **fields):
        row = make_visitor(person.key)
        return make_event(row, Item.objects.get(key=key), at=at, event=event, **fields)

    return do


class TestPersonal:
    def test_what_a_visitor_looked_at_decides(self, items, person, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)

        assert shown(at=at, person=person, n=3) == ["emma", "ulysses", "solaris"]

    def test_the_next_page_knows_what_happened_a_moment_ago(self, items, person, did, at):
        likes = {("dune", "emma"): 1.0, ("ulysses", "solaris"): 5.0}
        go_live("for_you", pairs(items, likes), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)
        assert shown(at=at, person=person, n=1) == ["emma"]

        did(EventName.VIEW_ITEM, "ulysses", at)

        assert shown(at=at, person=person, n=1) == ["solaris"]

    def test_buying_says_more_than_looking(self, items, person, did, at):
        likes = {("dune", "emma"): 1.0, ("ulysses", "solaris"): 1.0}
        go_live("for_you", pairs(items, likes), items, at=at)
        did(EventName.PURCHASE, "ulysses", at)
        did(EventName.VIEW_ITEM, "dune", at)

        assert shown(at=at, person=person, n=2) == ["solaris", "emma"]

    def test_what_was_given_back_says_nothing(self, items, person, did, at):
        likes = {("dune", "emma"): 1.0, ("ulysses", "solaris"): 1.0}
        go_live("for_you", pairs(items, likes), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)
        did(EventName.PURCHASE, "ulysses", at, order_ref="1")
        did(EventName.REFUND, "ulysses", at, order_ref="1")

        assert shown(at=at, person=person, n=1) == ["emma"]

    def test_the_past_before_signing_in_counts(self, items, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        customer = make_visitor("c" + "0" * 40)
        before = make_visitor("a" + "2" * 32, merged_into=customer)
        make_event(before, items[0], at=at)

        person = visitor(key="", customer_key=customer.key)

        assert shown(at=at, person=person, n=1) == ["emma"]

    def test_without_consent_popular_items_are_shown(self, items, person, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        go_live("trending", pairs(items, bias={"solaris": 1.0}), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)

        refused = visitor(may_store=False)

        assert shown(at=at, person=refused, n=1) == ["solaris"]

    def test_a_withdrawn_consent_is_heeded_even_with_a_cookie(self, items, person, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        go_live("trending", pairs(items, bias={"solaris": 1.0}), items, at=at)
        make_visitor(person.key, consent=False)
        did(EventName.VIEW_ITEM, "dune", at)

        assert shown(at=at, person=person, n=1) == ["solaris"]


class TestLeftOut:
    def test_sold_out_items_disappear_without_retraining(self, items, at):
        go_live("trending", pairs(items, bias={"dune": 2.0, "emma": 1.0}), items, at=at)
        assert shown("home.trending", at=at, n=2) == ["dune", "emma"]

        Book.objects.filter(slug="dune").update(sold_out=True)

        assert shown("home.trending", at=at, n=1) == ["emma"]

    def test_the_current_item_is_not_its_own_neighbour(self, items, at):
        go_live("similar", pairs(items, {("dune", "dune"): 9.0, **EMMA_FIRST}), items, at=at)

        assert "dune" not in shown("product.similar", at=at, context=["dune"])

    def test_what_is_in_the_cart_is_left_out(self, items, at):
        go_live("bought_together", pairs(items, EMMA_FIRST), items, at=at)

        found = shown("cart.complete_the_set", at=at, cart=["dune", "emma"])

        assert found[0] == "ulysses"
        assert not {"dune", "emma"} & set(found)

    def test_what_is_in_the_cart_stays_where_the_placement_says_so(self, items, at):
        place(strategies=["trending"], exclude_in_cart=False)
        go_live("trending", pairs(items, bias={"dune": 1.0}), items, at=at)

        assert shown(at=at, cart=["dune"], n=1) == ["dune"]

    def test_what_was_bought_is_left_out_where_the_placement_says_so(self, items, person, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        did(EventName.PURCHASE, "emma", at - timedelta(days=300))
        did(EventName.VIEW_ITEM, "dune", at)

        place(strategies=["for_you"], exclude_bought=True)
        assert "emma" not in shown(at=at, person=person)

        place(strategies=["for_you"], exclude_bought=False)
        assert shown(at=at, person=person, n=1) == ["emma"]

    def test_what_a_visitor_asked_not_to_see_stays_away_for_ever(self, items, person, did, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        did(EventName.HIDE_ITEM, "emma", at - timedelta(days=1000))
        for minutes in range(300):
            did(EventName.VIEW_ITEM, "dune", at - timedelta(minutes=minutes))

        assert "emma" not in shown(at=at, person=person)

    def test_what_the_page_shows_already_can_be_left_out(self, items, at):
        go_live("trending", pairs(items, bias={"dune": 2.0, "emma": 1.0}), items, at=at)

        assert shown("home.trending", at=at, exclude=["dune"], n=1) == ["emma"]

    def test_an_item_is_shown_once_whoever_names_it(self, items, person, did, at):
        place(strategies=["for_you", "trending", "newest"])
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        go_live("trending", pairs(items, bias={"emma": 2.0, "ulysses": 1.0}), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)

        found = shown(at=at, person=person)

        assert sorted(found) == sorted(set(found))

    def test_variants_of_one_product_take_one_place(self, db, at):
        shirts = shelve("Shirt S", "Shirt M", genre="Shirts", group_key="shirt")
        items = [*shirts, *shelve("Trousers", genre="Trousers")]
        bias = {"shirt-s": 3.0, "shirt-m": 2.0, "trousers": 1.0}
        go_live("trending", pairs(items, bias=bias), items, at=at)

        assert shown("home.trending", at=at) == ["shirt-s", "trousers"]

    def test_a_variant_of_the_current_item_is_the_same_product(self, db, at):
        shirts = shelve("Shirt S", "Shirt M", group_key="shirt")
        items = [*shirts, *shelve("Trousers")]
        likes = {("shirt-s", "shirt-m"): 2.0, ("shirt-s", "trousers"): 1.0}
        go_live("similar", pairs(items, likes), items, at=at)

        assert shown("product.similar", at=at, context=["shirt-s"]) == ["trousers"]


class TestCategories:
    @pytest.fixture
    def drinks(self, db):
        juices = shelve("Orange", "Apple", genre="Drinks > Juice > Fresh")
        kept = shelve("Grape", genre="Drinks > Juice > Kept")
        return [*juices, *kept, *shelve("Cola", genre="Drinks > Soda > Cola")]

    def test_substitutes_are_of_the_same_kind_the_closest_first(self, drinks, at):
        likes = {("orange", "cola"): 9.0, ("orange", "grape"): 5.0, ("orange", "apple"): 1.0}
        go_live("similar", pairs(drinks, likes), drinks, at=at)

        assert shown("product.similar", at=at, context=["orange"]) == ["apple", "grape"]

    def test_complements_are_of_another_kind(self, drinks, at):
        likes = {("orange", "grape"): 9.0, ("orange", "apple"): 5.0, ("orange", "cola"): 1.0}
        go_live("bought_together", pairs(drinks, likes), drinks, at=at)

        assert shown("product.bought_together", at=at, context=["orange"]) == ["cola"]

    def test_an_item_newer_than_the_model_has_substitutes(self, drinks, at):
        go_live("trending", pairs(drinks, bias={"cola": 9.0, "apple": 1.0}), drinks, at=at)
        shelve("Pear", genre="Drinks > Juice > Fresh")

        assert shown("product.similar", at=at, context=["pear"], n=1) == ["apple"]

    def test_a_category_page_shows_its_own(self, drinks, at):
        go_live("trending", pairs(drinks, bias={"cola": 9.0, "apple": 1.0}), drinks, at=at)

        found = shown("category.top", at=at, category="Drinks > Juice")

        assert found[0] == "apple"
        assert set(found) == {"apple", "orange", "grape"}

    def test_a_diverse_shelf_does_not_show_one_kind_only(self, drinks, at):
        bias = {"orange": 1.0, "apple": 0.9, "grape": 0.8, "cola": 0.7}
        go_live("trending", pairs(drinks, bias=bias), drinks, at=at)
        place("home.trending", strategies=["trending"], diversity=0.0, n=2)
        assert shown("home.trending", at=at) == ["orange", "apple"]

        place("home.trending", strategies=["trending"], diversity=0.9, n=2)

        assert "cola" in shown("home.trending", at=at) or "grape" in shown("home.trending", at=at)


class TestRules:
    BIAS = {"dune": 4.0, "emma": 3.0, "ulysses": 2.0, "solaris": 1.0}

    @pytest.fixture(autouse=True)
    def _trending(self, items, at):
        go_live("trending", pairs(items, bias=self.BIAS), items, at=at)

    def shelf(self, at, *rules, **asked):
        place("home.trending", strategies=["trending"], rules=rules)
        return shown("home.trending", at=at, **asked)

    def test_a_pinned_item_takes_its_position(self, at):
        pin = {"action": "pin", "field": "key", "value": "solaris", "position": 2}

        assert self.shelf(at, pin) == ["dune", "solaris", "emma", "ulysses"]

    def test_a_pin_may_describe_what_it_wants(self, at):
        Item.objects.filter(key="ulysses").update(price=99)
        pin = {"action": "pin", "field": "price_above", "value": "50", "position": 1}

        assert self.shelf(at, pin)[0] == "ulysses"

    def test_a_pinned_item_that_is_sold_out_leaves_its_place(self, at):
        Book.objects.filter(slug="solaris").update(sold_out=True)
        pin = {"action": "pin", "field": "key", "value": "solaris", "position": 1}

        assert self.shelf(at, pin) == ["dune", "emma", "ulysses"]

    def test_a_pin_does_not_show_the_current_item(self, at):
        pin = {"action": "pin", "field": "key", "value": "solaris", "position": 1}

        assert "solaris" not in self.shelf(at, pin, context=["solaris"])

    def test_pinned_items_count_and_say_so(self, at):
        pin = {"action": "pin", "field": "key", "value": "solaris", "position": 1}
        place("home.trending", strategies=["trending"], rules=(pin,))

        shelf = recommend(placement="home.trending", person=None, at=at, n=2)

        assert [(item.key, item.pinned) for item in shelf] == [("solaris", True), ("dune", False)]
        assert shelf.items[0].reasons[0].text == "Chosen by the shop"

    def test_a_boosted_item_rises_and_a_buried_one_sinks(self, at):
        boost = {"action": "boost", "field": "key", "value": "emma", "factor": 2.0}
        bury = {"action": "boost", "field": "key", "value": "dune", "factor": 0.0}

        assert self.shelf(at, boost, bury) == ["emma", "ulysses", "solaris", "dune"]

    def test_a_hidden_item_is_gone(self, at):
        hide = {"action": "hide", "field": "key", "value": "dune"}

        assert self.shelf(at, hide) == ["emma", "ulysses", "solaris"]

    def test_only_what_is_asked_for_is_shown(self, at):
        Item.objects.filter(key__in=["emma", "solaris"]).update(attributes={"fair": True})
        only = {"action": "only", "field": "attribute", "value": "fair=true"}

        assert self.shelf(at, only) == ["emma", "solaris"]

    def test_prices_can_be_asked_for(self, at):
        Item.objects.filter(key__in=["emma", "solaris"]).update(price=5)
        Item.objects.filter(key__in=["dune"]).update(price=15)
        only = {"action": "only", "field": "price_below", "value": "10"}

        assert self.shelf(at, only) == ["emma", "solaris"]

    def test_a_rule_holds_between_its_dates_only(self, at):
        hide = {
            "action": "hide",
            "field": "key",
            "value": "dune",
            "starts_at": at,
            "ends_at": at + timedelta(days=1),
        }
        assert "dune" not in self.shelf(at, hide)

        assert "dune" in shown("home.trending", at=at - timedelta(seconds=1))
        assert "dune" in shown("home.trending", at=at + timedelta(days=1))

    def test_an_unreadable_rule_is_about_nothing(self, at):
        only = {"action": "hide", "field": "price_below", "value": "cheap"}

        assert self.shelf(at, only) == ["dune", "emma", "ulysses", "solaris"]

    def test_a_changed_rule_holds_at_once(self, at):
        hide = {"action": "hide", "field": "key", "value": "dune"}
        assert "dune" not in self.shelf(at, hide)

        place("home.trending").rules.all().delete()

        assert "dune" in shown("home.trending", at=at)


class TestPlacement:
    def test_a_shelf_with_too_few_items_hides(self, items, at):
        place("home.trending", strategies=["trending"], min_items=5)
        assert not recommend(placement="home.trending", person=None, at=at)

        place("home.trending", strategies=["trending"], min_items=4)
        assert len(recommend(placement="home.trending", person=None, at=at)) == 4

    def test_an_inactive_placement_is_empty(self, items, at):
        place("home.trending", strategies=["trending"], is_active=False)

        assert not recommend(placement="home.trending", person=None, at=at)

    def test_the_next_strategy_fills_what_the_first_leaves_empty(self, items, person, did, at):
        place(strategies=["for_you", "trending"], n=2)
        go_live("for_you", pairs(items, {("dune", "ulysses"): 1.0}), items, at=at)
        go_live("trending", pairs(items, bias={"solaris": 1.0}), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)

        shelf = recommend(placement="home.for_you", person=person, at=at)

        assert [(item.key, item.source) for item in shelf] == [
            ("ulysses", "for_you"),
            ("solaris", "trending"),
        ]

    def test_an_unknown_strategy_costs_nothing_but_a_line(self, items, at, caplog):
        place("home.trending", strategies=["no_such", "trending"])
        go_live("trending", pairs(items, bias={"solaris": 1.0}), items, at=at)

        assert shown("home.trending", at=at, n=1) == ["solaris"]
        assert shown("home.trending", at=at, n=1) == ["solaris"]
        assert len(caplog.records) == 1

    def test_recently_viewed_shows_the_latest_first_and_nothing_else(self, items, person, did, at):
        for minutes, key in enumerate(["dune", "emma", "dune"]):
            did(EventName.VIEW_ITEM, key, at + timedelta(minutes=minutes))

        later = at + timedelta(hours=1)
        assert shown("home.recently_viewed", at=later, person=person) == ["dune", "emma"]

    def test_buy_again_shows_what_was_bought_and_nothing_else(self, items, person, did, at):
        own = {(key, key): 1.0 for key in ("dune", "emma", "ulysses", "solaris")}
        go_live("buy_again", pairs(items, own), items, at=at)
        assert shown("home.buy_again", at=at, person=person) == []

        did(EventName.PURCHASE, "emma", at)
        did(EventName.VIEW_ITEM, "dune", at)

        shelf = recommend(placement="home.buy_again", person=person, at=at)
        assert [item.key for item in shelf] == ["emma"]
        assert shelf.items[0].reasons[0].text == "You bought this before"


class TestFallback:
    def test_a_visitor_nobody_knows_sees_what_is_trending(self, items, person, at):
        go_live("for_you", pairs(items, EMMA_FIRST), items, at=at)
        go_live("trending", pairs(items, bias={"solaris": 1.0}), items, at=at)

        shelf = recommend(placement="home.for_you", person=person, at=at, n=1)

        assert [(item.key, item.source) for item in shelf] == [("solaris", "trending")]

    def test_without_a_model_the_best_sellers_of_the_last_week_are_shown(self, items, at):
        for day, key in enumerate(["ulysses", "ulysses", "emma", "emma", "emma"]):
            when = at - timedelta(days=1, minutes=day)
            item = Item.objects.get(key=key)
            make_event(None, item, at=when, event=EventName.PURCHASE)

        shelf = recommend(placement="home.trending", person=None, at=at, n=2)

        assert [(item.key, item.source) for item in shelf] == [
            ("emma", "best_sellers"),
            ("ulysses", "best_sellers"),
        ]
        assert shelf.items[0].reasons[0].text == "Bought often this week"

    def test_without_sales_the_newest_items_are_shown(self, items, at):
        shelf = recommend(placement="home.trending", person=None, at=at, n=2)

        assert [(item.key, item.source) for item in shelf] == [
            ("solaris", "newest"),
            ("ulysses", "newest"),
        ]

    def test_an_empty_shop_has_empty_shelves(self, db, at):
        assert not recommend(placement="home.for_you", person=None, at=at)

    def test_an_unknown_placement_is_empty_and_told_once(self, items, at, caplog):
        assert not recommend(placement="home.nowhere", person=None, at=at)
        assert not recommend(placement="home.nowhere", person=None, at=at)
        assert len(caplog.records) == 1

    def test_a_shop_that_is_nearly_sold_out_still_fills_the_shelf(self, db, at):
        titles = [f"Book {number}" for number in range(200)]
        items = shelve(*titles)
        bias = {item.key: 200.0 - place for place, item in enumerate(items)}
        go_live("trending", pairs(items, bias=bias), items, at=at)
        Book.objects.exclude(slug__in=["book-150", "book-199"]).update(sold_out=True)

        assert shown("home.trending", at=at) == ["book-150", "book-199"]


class TestReasons:
    def test_the_main_reason_names_what_counts_most(self, items, person, did, at):
        likes = {("dune", "emma"): 1.0, ("solaris", "emma"): 4.0}
        go_live("for_you", pairs(items, likes), items, at=at)
        did(EventName.VIEW_ITEM, "dune", at)
        did(EventName.VIEW_ITEM, "solaris", at)

        shelf = recommend(placement="home.for_you", person=person, at=at, n=1)

        assert [reason.text for reason in shelf.items[0].reasons] == [
            "Because you looked at Solaris"
        ]

    def test_all_reasons_add_up_to_the_score(self, items, person, did, at):
        likes = {("dune", "emma"): 1.0, ("solaris", "emma"): 4.0, ("ulysses", "emma"): 0.5}
        go_live("for_you", pairs(items, likes), items, at=at)
        boost = {"action": "boost", "field": "key", "value": "emma", "factor": 1.5}
        place(strategies=["for_you"], rules=(boost,))
        for key in ("dune", "dune", "solaris", "ulysses"):
            did(EventName.VIEW_ITEM, key, at)
        did(EventName.PURCHASE, "solaris", at)

        shelf = recommend(placement="home.for_you", person=person, at=at, n=1, explain=True)

        emma = shelf.items[0]
        assert sum(reason.weight for reason in emma.reasons) == pytest.approx(emma.score)
        assert [reason.key for reason in emma.reasons] == ["solaris", "dune", "ulysses", ""]
        assert emma.reasons[0].text == "Because you bought Solaris"

    def test_the_item_on_the_page_is_named(self, items, at):
        go_live("bought_together", pairs(items, EMMA_FIRST), items, at=at)

        shelf = recommend(
            placement="product.bought_together", person=None, at=at, context=["dune"], n=1
        )

        assert shelf.items[0].reasons[0].text == "Often bought together with Dune"

    def test_a_shelf_says_which_model_filled_it(self, items, at):
        artifact = go_live("trending", pairs(items, bias={"emma": 1.0}), items, at=at)

        shelf = recommend(placement="home.trending", person=None, at=at, n=1)

        assert shelf.model_version == f"trending-{artifact.pk}"


def test_items_of_another_shop_never_appear(items, at):
    make_item("Ubik", channel="other")
    go_live("trending", pairs(items, bias={"emma": 1.0}), items, at=at)

    assert shown("home.trending", at=at, person=visitor(channel="other")) == []
