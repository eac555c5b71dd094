"""What a placement may aim at: worth, mix, one of each, a share for what is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engagement.flows.collecting import tokens
from engagement.flows.collecting.ingest import ingest
from engagement.flows.serving import left_out, popular
from engagement.flows.serving.placements import STOCK, PlacementConfig
from engagement.flows.serving.recommend import recommend
from engagement.models import Event, EventName, Item
from tests.othershop.catalogue import make_event, make_visitor
from tests.othershop.models import Book
from tests.serving import go_live, pairs, place, shelve, shown, visitor


class TestOneOfEach:
    @pytest.fixture
    def drinks(self, db, at):
        items = shelve("Juice, 1 l", "Juice, 2 l", "Milk, 1 l", "Milk, 2 l", genre="Drinks")
        bias = {item.key: 4.0 - n for n, item in enumerate(items)}
        go_live("trending", pairs(items, bias=bias), items, at=at)
        return items

    def test_sizes_of_one_product_take_one_place(self, drinks, at):
        assert shown("home.trending", at=at) == ["juice-1-l", "milk-1-l"]

    def test_the_other_size_comes_when_one_is_sold_out(self, drinks, at):
        Book.objects.filter(slug="juice-1-l").update(sold_out=True)

        assert shown("home.trending", at=at) == ["juice-2-l", "milk-1-l"]

    def test_a_size_of_the_current_item_is_the_same_product(self, drinks, at):
        assert shown("home.trending", at=at, context=["milk-2-l"]) == ["juice-1-l"]

    def test_a_placement_may_show_them_all(self, drinks, at):
        place("home.trending", one_of_each=False, strategies=["trending"])

        assert len(shown("home.trending", at=at)) == 4

    def test_the_preview_says_what_another_size_kept_out(self, drinks, at):
        config = STOCK["home.trending"]
        shelf = recommend(placement=config, person=None, at=at)

        missing = left_out.of(config, shelf=shelf, person=None, at=at)

        assert {one.key: one.why for one in missing} == dict.fromkeys(
            ["juice-2-l", "milk-2-l"], "is another variant or size of an item that is shown"
        )

    def test_best_sellers_are_one_of_each_too(self, db, at):
        items = shelve("Juice, 1 l", "Juice, 2 l", genre="Drinks")
        for item in items:
            make_event("a", item, at=at, event=EventName.PURCHASE)

        assert len(shown("home.trending", at=at)) == 1

    def test_what_was_viewed_is_shown_as_it_was(self, drinks, at):
        for item in drinks:
            make_event(make_visitor(visitor().key), item, at=at)

        assert len(shown("home.recently_viewed", at=at, person=visitor())) == 4


class TestObjective:
    @pytest.fixture
    def shop(self, db, at):
        cheap = shelve("Emma", "Dune", price=5, attributes={"cost": 1})
        dear = shelve("Atlas", price=20, attributes={"margin": 2})
        items = [*cheap, *dear]
        bias = {"emma": 4.0, "dune": 3.0, "atlas": 2.0}
        go_live("trending", pairs(items, bias=bias), items, at=at)
        return items

    def by(self, objective):
        return replace(STOCK["home.trending"], objective=objective)

    @pytest.mark.parametrize(
        ("objective", "first"),
        [("", "emma"), ("click", "emma"), ("conversion", "emma"), ("revenue", "atlas")],
    )
    def test_revenue_is_worth_the_price(self, shop, at, objective, first):
        shelf = recommend(placement=self.by(objective), person=None, at=at)

        assert shelf.items[0].key == first

    def test_margin_is_worth_what_is_earned(self, shop, at):
        shelf = recommend(placement=self.by("margin"), person=None, at=at)

        # 4 × 4, 3 × 4 and 2 × 2, whatever they are divided by.
        assert [item.key for item in shelf] == ["emma", "dune", "atlas"]

    def test_the_reasons_say_what_worth_adds(self, shop, at):
        rule = {"action": "boost", "field": "key", "value": "atlas", "factor": 3.0}
        place("home.trending", objective="revenue", rules=(rule,), strategies=["trending"])

        shelf = recommend(placement="home.trending", person=None, at=at, explain=True)

        for item in shelf:
            assert sum(why.weight for why in item.reasons) == pytest.approx(item.score)
        assert [why.code for why in shelf.items[0].reasons] == ["popular", "worth", "rule"]

    def test_a_model_that_was_trained_for_money_is_not_weighed_again(self, shop, at):
        from engagement.flows.serving import live

        live.model("", "trending").recommender.objective = "revenue"

        shelf = recommend(placement=self.by("revenue"), person=None, at=at)

        assert shelf.items[0].key == "emma"

    def test_without_prices_nothing_is_weighed(self, shop, at):
        Item.objects.update(price=None)

        shelf = recommend(placement=self.by("revenue"), person=None, at=at)

        assert [item.key for item in shelf] == ["emma", "dune", "atlas"]


class TestMix:
    @pytest.fixture
    def items(self, db, at):
        novels = shelve("A", "B", "C", "D", genre="Novels")
        poems = shelve("E", "F", "G", "H", genre="Poems")
        items = [*novels, *poems]
        bias = {item.key: 20.0 - n for n, item in enumerate(items)}
        go_live("trending", pairs(items, bias=bias), items, at=at)
        return items

    def kinds(self, at, **fields):
        config = replace(STOCK["home.trending"], n=4, **fields)
        shelf = recommend(placement=config, person=visitor(), at=at)
        poems = {"e", "f", "g", "h"}
        return "".join("P" if item.key in poems else "N" for item in shelf)

    def test_without_diversity_the_scores_decide(self, items, at):
        assert self.kinds(at, diversity=0.0, diversify_by="spread") == "NNNN"

    @pytest.mark.parametrize("way", ["turns", "spread"])
    def test_categories_take_turns(self, items, at, way):
        assert sorted(self.kinds(at, diversity=0.9, diversify_by=way)) == ["N", "N", "P", "P"]

    def test_the_mix_is_the_visitors_own(self, items, at):
        row = make_visitor(visitor().key)
        for item in [items[0], items[4], items[5], items[6]]:
            make_event(row, item, at=at)

        mix = self.kinds(at, diversity=0.95, diversify_by="shares")

        assert sorted(mix) == ["N", "P", "P", "P"]

    def test_a_stranger_has_no_mix(self, items, at):
        assert self.kinds(at, diversity=0.95, diversify_by="shares") == "NNNN"


class TestExploration:
    @pytest.fixture
    def items(self, db, at):
        old = shelve(*(f"Old {name}" for name in "abcdefgh"))
        new = shelve(*(f"New {name}" for name in "abcd"))
        Item.objects.filter(pk__in=[item.pk for item in old]).update(
            created_at=at - timedelta(days=400)
        )
        Item.objects.filter(pk__in=[item.pk for item in new]).update(
            created_at=at - timedelta(days=1)
        )
        bias = {item.key: 20.0 - n for n, item in enumerate(old)}
        go_live("trending", pairs(old, bias=bias), old, at=at)
        return old, new

    config = PlacementConfig("home.trending", ("trending",), n=4, exploration=0.5)

    def shelves(self, at, **fields):
        config = replace(self.config, **fields)
        for number in range(40):
            yield recommend(placement=config, person=visitor(f"a{number:032x}"), at=at)

    def test_new_items_get_about_their_share(self, items, at):
        fresh = [item.key.startswith("new") for shelf in self.shelves(at) for item in shelf]

        assert len(fresh) == 160
        assert 0.35 < sum(fresh) / len(fresh) < 0.65

    def test_a_page_that_is_loaded_again_stays_as_it_was(self, items, at):
        first = [[item.key for item in shelf] for shelf in self.shelves(at)]
        again = [[item.key for item in shelf] for shelf in self.shelves(at)]
        later = [[item.key for item in shelf] for shelf in self.shelves(at + timedelta(hours=1))]

        assert first == again
        assert first != later

    def test_they_say_that_they_are_new_and_by_what_chance(self, items, at):
        for shelf in self.shelves(at):
            for item in shelf:
                if item.key.startswith("new"):
                    assert item.source == "explore"
                    assert item.reasons[0].code == "new"
                    assert 0.0 < item.propensity <= 0.5
                else:
                    assert item.propensity == 0.5

    def test_nothing_is_shown_twice_and_no_place_stays_empty(self, items, at):
        for shelf in self.shelves(at):
            keys = [item.key for item in shelf]
            assert len(set(keys)) == len(keys) == 4

    def test_what_is_sold_out_hidden_or_filtered_gets_no_place(self, items, at):
        Book.objects.filter(slug="new-a").update(sold_out=True)
        place("home.trending", exploration=0.5, n=4, strategies=["trending"])
        hide = {"action": "hide", "field": "key", "value": "new-b"}
        place("home.trending", rules=(hide,))

        seen = set()
        for number in range(30):
            seen |= set(shown("home.trending", at=at, person=visitor(f"a{number:032x}")))

        assert {"new-c", "new-d"} <= seen
        assert not {"new-a", "new-b"} & seen

    def test_what_everybody_has_seen_is_new_no_more(self, items, at, monkeypatch):
        _, new = items
        monkeypatch.setattr(popular, "SEEN_ENOUGH", 3)
        for _ in range(3):
            make_event("a", new[0], at=at, event=EventName.VIEW_ITEM_LIST)

        seen = {item.key for shelf in self.shelves(at) for item in shelf}

        assert "new-a" not in seen
        assert "new-b" in seen

    def test_the_impression_keeps_the_chance(self, items, at):
        shelf = next(
            one for one in self.shelves(at) if any(i.source == "explore" for i in one.items)
        )
        number = next(
            number
            for number in range(40)
            if [
                i.key
                for i in recommend(placement=self.config, person=visitor(f"a{number:032x}"), at=at)
            ]
            == [i.key for i in shelf]
        )
        person = visitor(f"a{number:032x}")
        make_visitor(person.key)
        seen = {
            "event": "view_item_list",
            "recommendation_id": shelf.recommendation_id,
            "items": [{"item_id": item.key, "index": item.rank} for item in shelf],
        }

        report = ingest([seen], channel="", person=person, at=at, trusted=False)

        assert report.accepted == 1
        stored = dict(Event.objects.values_list("item__key", "propensity"))
        assert stored == {item.key: pytest.approx(item.propensity, abs=1e-6) for item in shelf}

    def test_without_a_share_nothing_is_drawn(self, items, at):
        for shelf in self.shelves(at, exploration=0.0):
            assert [item.propensity for item in shelf] == [None] * 4

    def test_a_token_tells_as_many_chances_as_fit(self, at):
        token = tokens.issue(
            placement="p" * 30 + "." + "s" * 33,
            artifact_id=10**9,
            person=None,
            at=at,
            usual=0.9,
            drawn=dict.fromkeys(range(1, 100), 0.001),
        )

        told = tokens.verify(token, person=None, at=at)

        assert len(token) <= tokens.MAX_LENGTH
        assert told.propensity(1) == pytest.approx(0.001)
        assert told.propensity(None) is None
