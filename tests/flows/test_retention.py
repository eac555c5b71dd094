from datetime import timedelta

import pytest

from engagement.flows.collecting import retention
from engagement.models import Event, Visitor
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item, make_visitor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_month(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RETENTION_DAYS": 30}


def happened(visitor, *, days_ago, channel=""):
    item = make_item(f"Dune {days_ago} {visitor}", channel=channel)
    row = make_visitor(visitor, channel=channel)
    Visitor.objects.filter(pk=row.pk).update(created_at=MONDAY - timedelta(days=days_ago))
    return make_event(row, item, at=MONDAY - timedelta(days=days_ago), channel=channel)


def test_events_are_kept_for_as_long_as_the_shop_says(monkeypatch):
    monkeypatch.setattr(retention, "PIECE", 2)
    kept = happened("ann", days_ago=29)
    for number in range(5):
        happened(f"ben-{number}", days_ago=31)

    assert retention.purge_events(channel="", at=MONDAY) == 5
    assert list(Event.objects.all()) == [kept]


def test_events_are_kept_for_ever_by_default(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RETENTION_DAYS": None}
    happened("ann", days_ago=3000)

    assert retention.purge_events(channel="", at=MONDAY) == 0
    assert Event.objects.count() == 1


def test_another_shops_events_stay():
    happened("ann", days_ago=31, channel="de")

    assert retention.purge_events(channel="fr", at=MONDAY) == 0
    assert Event.objects.count() == 1


def test_a_visitor_goes_with_the_last_event():
    happened("ann", days_ago=31)
    happened("ben", days_ago=29)

    retention.purge_events(channel="", at=MONDAY)

    assert list(Visitor.objects.values_list("key", flat=True)) == ["ben"]


def test_who_said_no_is_remembered():
    happened("ann", days_ago=31)
    Visitor.objects.update(consent=False)

    retention.purge_events(channel="", at=MONDAY)

    assert Visitor.objects.filter(key="ann").exists()


def test_a_customer_stays_while_someone_is_merged_into_them():
    customer = happened("ann", days_ago=31).visitor
    before = happened("before-signing-in", days_ago=29).visitor
    before.merged_into = customer
    before.save()

    retention.purge_events(channel="", at=MONDAY)

    assert Visitor.objects.count() == 2
