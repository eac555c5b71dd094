"""A purchase belongs to the shelf from which its buyer has clicked on the item."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engagement.flows.collecting import ingest, tokens
from engagement.flows.collecting.identity import Person
from engagement.flows.collecting.visitors import link
from engagement.models import Event, EventName, Item
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db
ADA = Person("", "a" + "1" * 32, "", None, True, False)
BEN = Person("", "a" + "2" * 32, "", None, True, False)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def items(db):
    for key in ("dune", "emma"):
        Item.objects.create(external_id=key, title=key)


def click(item="dune", placement="home.for_you", person=ADA, at=MONDAY):
    token = tokens.issue(placement=placement, artifact_id=None, person=person, at=at)
    event = {"event": "select_item", "items": [item], "recommendation_id": token}
    done = ingest.ingest([event], channel="", person=person, at=at, trusted=False)
    assert done.accepted == 1, done.rejected


def buy(*items, person=ADA, at=MONDAY + HOUR, **more):
    order = {"event": "purchase", "order_id": "1", "items": list(items), **more}
    ingest.ingest([order], channel="", person=person, at=at, trusted=True)
    rows = Event.objects.filter(event=EventName.PURCHASE).order_by("item__key")
    return list(rows.values_list("item__key", "placement"))


def test_what_was_clicked_is_the_shelfs_and_what_was_not_is_nobodys():
    click()

    assert buy("dune", "emma") == [("dune", "home.for_you"), ("emma", "")]
    clicked = Event.objects.get(event=EventName.SELECT_ITEM)
    bought = Event.objects.get(event=EventName.PURCHASE, item__key="dune")
    assert bought.recommendation_id == clicked.recommendation_id


def test_the_last_click_counts():
    click()
    click(placement="product.similar", at=MONDAY + HOUR / 2)
    click(placement="cart.complete_the_set", at=MONDAY + 2 * HOUR)

    assert buy("dune") == [("dune", "product.similar")]


def test_a_click_of_long_ago_counts_no_more():
    click()

    assert buy("dune", at=MONDAY + timedelta(days=8)) == [("dune", "")]


def test_somebody_elses_click_counts_for_nobody():
    click(person=BEN)

    assert buy("dune") == [("dune", "")]


def test_what_was_clicked_before_signing_in_is_the_customers():
    click()
    customer = Person("", ADA.key, "c" + "1" * 40, None, True, False)
    link(customer)

    assert buy("dune", person=customer) == [("dune", "home.for_you")]


def test_a_shelf_that_the_shop_names_itself_stays():
    click()
    token = tokens.issue(placement="mail.weekly", artifact_id=None, person=ADA, at=MONDAY)

    assert buy("dune", recommendation_id=token) == [("dune", "mail.weekly")]


def test_a_purchase_costs_one_question_more():
    click()
    with CaptureQueriesContext(connection) as queries:
        buy("dune", "emma")

    asked = [one for one in queries if "merged_into" in one["sql"] and "SELECT" in one["sql"]]
    assert len(asked) == 1
