"""What a visitor's past comes to: made in bulk, read for one, gone with the visitor."""

from datetime import timedelta
from decimal import Decimal

import pytest

from engagement.flows.collecting import exporting, identity, privacy
from engagement.flows.metrics import making as days
from engagement.flows.profiles import making
from engagement.flows.profiles.profile import STRANGER
from engagement.flows.profiles.reading import profile_of
from engagement.flows.promotions.shoppers import shopper_of
from engagement.models import EventName, Visitor, VisitorProfile, VisitorTaste
from tests import serving
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.django_db

CUSTOMER = "c" + "1" * 40
COOKIE = "a" + "1" * 32


def buy(who, item, *, days_ago, value="10.00", order="", event=EventName.PURCHASE):
    at = MONDAY - timedelta(days=days_ago)
    return make_event(
        who, item, at=at, event=event, value=Decimal(value), currency="EUR", order_ref=order
    )


def view(who, item, *, days_ago, session="s"):
    return make_event(who, item, at=MONDAY - timedelta(days=days_ago), session_id=session)


def make(at=MONDAY, **fields):
    days.make(channel="", at=at)
    return making.make(channel="", at=at, **fields)


@pytest.fixture
def reader(db):
    """A customer who browsed before signing in: two orders, one given back, fruit over bread."""
    customer = make_visitor(CUSTOMER)
    before = make_visitor(COOKIE, merged_into=customer)
    fruit = make_item("Apple", category="Food > Fruit")
    bread = make_item("Bread", category="Food > Bread")
    view(before, fruit, days_ago=60)
    buy(customer, fruit, days_ago=50, order="N1")
    buy(customer, fruit, days_ago=40, order="N2", value="30.00")
    buy(customer, fruit, days_ago=39, order="N2", value="30.00", event=EventName.REFUND)
    view(customer, bread, days_ago=20, session="s1")
    view(customer, bread, days_ago=20, session="s2")
    return customer


def test_the_past_of_a_customer_comes_to_one_row(reader):
    assert make() == making.Made(1, 1)

    row = VisitorProfile.objects.get()
    assert row.visitor == reader
    assert (row.n_orders, row.n_refunds, row.spent) == (2, 1, Decimal("10.000"))
    assert row.mean_order_value == Decimal("5.000")
    assert (row.first_day, row.last_day) == (
        (MONDAY - timedelta(days=60)).date(),
        (MONDAY - timedelta(days=20)).date(),
    )
    assert row.last_order_day == (MONDAY - timedelta(days=40)).date()
    assert (row.n_sessions_30d, row.n_views_30d, row.is_customer) == (2, 2, True)
    # One view and two purchases of fruit weigh 1 + 5 + 5, two views of bread 2.
    tastes = dict(VisitorTaste.objects.values_list("category", "share"))
    assert tastes == {"Food > Fruit": round(10000 * 11 / 13), "Food > Bread": round(10000 * 2 / 13)}


def test_who_is_here_is_known_with_what_happened_just_now(reader, django_assert_max_num_queries):
    person = serving.visitor(COOKIE, customer_key=CUSTOMER)
    unmade = profile_of([reader.pk, reader.merged.get().pk], at=MONDAY, is_customer=True)
    make()
    buy(reader, make_item("Cake"), days_ago=0, order="N3", value="20.00")

    with django_assert_max_num_queries(4):
        found = shopper_of(person, at=MONDAY).profile

    assert (found.n_orders, found.spent, found.days_since_order) == (3, Decimal("30.000"), 0)
    assert found.mean_order_value == Decimal("10.00")
    assert found.taste("Food") == 1.0
    assert found.taste("Fruit") > 0.8 > found.taste("Bread")
    # What the task makes is what the events say.
    assert (unmade.n_orders, unmade.n_refunds, unmade.spent) == (2, 1, Decimal("10.00"))
    assert (unmade.days_since_first, unmade.days_since_visit) == (60, 20)


def test_a_stranger_has_defaults_and_costs_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        found = profile_of([], at=MONDAY)

    assert found is STRANGER
    assert (found.is_new, found.days_since_order, found.taste("Fruit")) == (True, None, 0.0)


def test_what_is_made_day_by_day_is_what_is_made_at_once(reader):
    other = make_visitor("a" + "2" * 32)
    tea = make_item("Tea", category="Food > Drinks")
    make(at=MONDAY - timedelta(days=30))
    buy(other, tea, days_ago=3, order="N9")
    for ago in (2, 1, 0):
        make(at=MONDAY - timedelta(days=ago))
    step = list(VisitorProfile.objects.order_by("pk").values())
    tastes = list(VisitorTaste.objects.order_by("visitor", "category").values_list("share"))

    make(everybody=True)

    whole = list(VisitorProfile.objects.order_by("pk").values())
    assert step == whole
    assert len(whole) == 2
    assert tastes == list(VisitorTaste.objects.order_by("visitor", "category").values_list("share"))


def test_signing_in_makes_one_of_two(reader):
    stranger = make_visitor("a" + "3" * 32)
    view(stranger, make_item("Tea"), days_ago=25)
    make()
    assert VisitorProfile.objects.count() == 2

    Visitor.objects.filter(pk=stranger.pk).update(merged_into=reader)
    make()

    assert VisitorProfile.objects.get().n_views_30d == 3


def test_no_profile_is_made_of_those_who_said_no_and_of_staff(reader):
    make()
    for changes in ({"consent": False}, {"consent": None, "exclusion": "staff"}):
        Visitor.objects.filter(pk=reader.pk).update(**changes)
        make()
        assert not VisitorProfile.objects.exists()
        assert not VisitorTaste.objects.exists()
        Visitor.objects.filter(pk=reader.pk).update(consent=None, exclusion="")
        make()
        assert VisitorProfile.objects.count() == 1


def test_the_profile_is_told_and_erased():
    item = make_item("Apple", category="Food > Fruit")
    view(make_visitor(COOKIE), item, days_ago=2)
    make()

    told = exporting.export(key=COOKIE)
    privacy.erase(key=COOKIE)

    assert told["profiles"][0]["views_30d"] == 1
    assert told["profiles"][0]["tastes"] == {"Food > Fruit": 1.0}
    assert not VisitorProfile.objects.exists()
    assert not VisitorTaste.objects.exists()


def test_who_takes_consent_back_has_no_profile_any_more(client, settings, django_user_model):
    reader = django_user_model.objects.create_user("reader")
    client.force_login(reader)
    key = identity.customer_key(str(reader.pk), "")
    view(make_visitor(key), make_item("Apple", category="Food > Fruit"), days_ago=2)
    make()
    assert VisitorProfile.objects.exists()

    client.post("/engagement/consent/", {"consent": False}, content_type="application/json")

    assert not VisitorProfile.objects.exists()
    assert not VisitorTaste.objects.exists()
