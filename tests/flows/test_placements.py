"""The stock placements, what a shop may change in them, and how fast a change is noticed."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.exceptions import ValidationError
from django.utils import translation

from engagement.conf import app_settings
from engagement.flows.serving import live, placements
from engagement.flows.serving.placements import BUILT_IN, STOCK
from engagement.models import Placement
from tests.serving import place

pytestmark = pytest.mark.django_db


def config(name, channel=""):
    return live.state().placement(channel, name)


def test_the_stock_placements_are_there_after_migrating():
    assert set(Placement.objects.values_list("name", flat=True)) == set(STOCK)


def test_migrating_again_changes_nothing_that_was_set():
    place("home.trending", n=3)
    Placement.objects.filter(name="home.for_you").delete()

    placements.follow_migration(using="default", apps=apps)

    assert Placement.objects.get(name="home.trending").n == 3
    assert Placement.objects.filter(name="home.for_you").exists()


@pytest.mark.parametrize("name", STOCK)
def test_a_stock_placement_is_valid_and_names_strategies_that_exist(name):
    row = Placement.objects.get(name=name)

    row.full_clean(exclude=["titles"])
    assert set(row.strategies) <= {*app_settings.RECOMMENDERS, *BUILT_IN}


def test_a_row_that_is_missing_is_replaced_by_the_stock_placement():
    Placement.objects.all().delete()

    assert config("home.trending").strategies == ("trending",)
    assert config("home.nowhere") is None


def test_each_channel_may_have_its_own_and_else_shares():
    place("home.trending", n=3)
    Placement.objects.create(channel="b", name="home.trending", strategies=["newest"], n=9)

    assert config("home.trending", "b").n == 9
    assert config("home.trending", "c").n == 3


def test_a_page_has_the_active_placements_of_its_name():
    place("product.similar", is_active=False)
    place("product.accessories", strategies=["newest"])

    names = [one.name for one in live.state().page("", "product")]

    assert names == ["product.accessories", "product.bought_together", "product.recently_viewed"]


class TestTitle:
    def test_the_stock_title_where_none_is_set(self):
        assert config("product.similar").title("en") == "You may also like"

    def test_the_title_of_the_language_or_of_its_family(self):
        place("product.similar", titles={"de": "Ähnliches"})

        assert config("product.similar").title("de-at") == "Ähnliches"
        with translation.override("de"):
            assert config("product.similar").title() == "Ähnliches"

    def test_a_placement_of_the_shops_own_shows_the_sites_title(self):
        place("home.staff_picks", strategies=["newest"], titles={"de": "Tipps", "en": "Tips"})

        assert config("home.staff_picks").title("fr") == "Tips"

    def test_a_placement_without_any_title_is_called_by_its_slot(self):
        place("home.staff_picks", strategies=["newest"])

        assert config("home.staff_picks").title("en") == "Staff picks"


class TestNoticing:
    def test_a_change_is_noticed_at_the_next_poll(self):
        assert config("home.trending").n == 12

        place("home.trending", n=5)

        assert config("home.trending").n == 5

    def test_a_rule_changed_in_place_is_noticed(self):
        row = place("home.trending", rules=({"action": "hide", "field": "key", "value": "a"},))
        assert config("home.trending").rules[0].value == "a"

        rule = row.rules.get()
        rule.value = "b"
        rule.save()

        assert config("home.trending").rules[0].value == "b"

    # Outside a transaction: inside one, PostgreSQL is asked for a savepoint as well.
    @pytest.mark.django_db(transaction=True)
    def test_a_poll_that_finds_nothing_new_costs_one_query(self, django_assert_num_queries):
        live.state()

        with django_assert_num_queries(1):
            live.state()

    def test_between_polls_the_database_is_left_alone(self, settings, django_assert_num_queries):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
        live.state()

        with django_assert_num_queries(0):
            live.state()


def test_names_are_page_and_slot():
    with pytest.raises(ValidationError):
        Placement(name="no slot", strategies=["newest"]).full_clean()
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", name) for name in STOCK)
