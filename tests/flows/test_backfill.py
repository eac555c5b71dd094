from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from engagement.adapters import LineData, OrderData
from engagement.flows.collecting import ingest
from engagement.flows.collecting.identity import customer_key
from engagement.flows.importing.backfill import backfill
from engagement.flows.training import dataset
from engagement.models import Event, EventName, Item, Visitor
from tests.flows.test_catalogue import Shelf
from tests.othershop.catalogue import make_book, make_reader, make_sale

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales(books, at):
    """Two sales of last week: Ann's Dune and Emma, a guest's Dune."""
    dune, emma, _ulysses = books
    make_sale("ann", [dune, emma], at=at - timedelta(days=7), number="S1")
    make_sale(None, [dune], at=at - timedelta(days=6), number="S2")


class Orders(Shelf):
    """A shop whose past is what a test puts on this list."""

    orders: list[OrderData] = []

    def iter_orders(self, since=None):
        return iter(self.orders)


@pytest.fixture
def orders(settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ADAPTER": f"{__name__}.Orders"}
    monkeypatch.setattr(Orders, "orders", [])
    return Orders.orders


def bought():
    rows = Event.objects.order_by("order_ref", "item__key")
    return list(rows.values_list("order_ref", "item__key", "visitor__key"))


def test_past_orders_become_purchases_of_their_customers(sales, at):
    report = backfill(channel="", at=at)

    ann = customer_key(str(make_reader("ann").pk), "")
    assert bought() == [("S1", "dune", ann), ("S1", "emma", ann), ("S2", "dune", None)]
    assert (report.orders, report.lines, report.accepted) == (2, 3, 3)
    event = Event.objects.filter(order_ref="S1").first()
    assert (event.event, event.value, event.currency) == (EventName.PURCHASE, Decimal(10), "EUR")
    assert event.event_time == at - timedelta(days=7)
    assert Visitor.objects.get().consent is None
    assert Item.objects.get(key="emma").title == "Emma"


def test_a_second_run_adds_nothing_and_a_later_one_only_what_is_new(sales, at, books):
    backfill(channel="", at=at)

    again = backfill(channel="", at=at)
    assert (again.lines, again.accepted, again.duplicates) == (3, 0, 3)

    make_sale("bob", [books[2]], at=at, number="S3")
    later = backfill(channel="", at=at, since=at - timedelta(days=1))
    assert (later.orders, later.accepted) == (1, 1)


def test_what_a_receiver_recorded_is_not_taken_over_once_more(sales, at):
    ann = str(make_reader("ann").pk)
    ingest.ingest(
        [
            {
                "event": "purchase",
                "order_id": "S1",
                "customer_id": ann,
                "items": [{"item_id": "dune"}, {"item_id": "emma"}],
            }
        ],
        channel="",
        person=None,
        at=at,
        trusted=True,
    )

    report = backfill(channel="", at=at)

    assert (report.accepted, report.duplicates) == (1, 2)
    assert Event.objects.count() == 3


def test_two_lines_of_one_item_are_two_purchases(at, orders):
    orders[:] = [OrderData("1", at, [LineData("cup", 1), LineData("cup", 2), LineData("bowl")])]

    assert backfill(channel="", at=at).accepted == 3
    assert sorted(Event.objects.values_list("quantity", flat=True)) == [1, 1, 2]


def test_test_orders_are_left_out_and_counted(at, orders):
    orders[:] = [OrderData("1", at, [LineData("cup")], is_test=True)]

    report = backfill(channel="", at=at)

    assert (report.orders, report.test_orders, report.lines) == (1, 1, 0)
    assert not Event.objects.exists()


def test_a_cancelled_order_was_never_placed(at, orders):
    orders[:] = [OrderData("1", at, [LineData("cup")], customer="7", is_cancelled=True)]

    report = backfill(channel="", at=at)

    assert report.cancelled_orders == 1
    assert not Event.objects.exists()


def test_an_order_cancelled_after_it_was_recorded_is_taken_back(at, orders):
    orders[:] = [OrderData("1", at, [LineData("cup", 2)], customer="7")]
    backfill(channel="", at=at)
    orders[:] = [OrderData("1", at, [LineData("cup", 2)], customer="7", is_cancelled=True)]

    backfill(channel="", at=at)
    backfill(channel="", at=at)

    assert sorted(Event.objects.values_list("event", flat=True)) == [
        EventName.PURCHASE,
        EventName.REFUND,
    ]
    assert dataset.load(channel="", until=at).cleaning["taken_back"] == 1


def test_what_was_taken_back_already_is_not_taken_back_again(at, orders):
    orders[:] = [OrderData("1", at, [LineData("cup")], customer="7")]
    backfill(channel="", at=at)
    refund = {"event": "refund", "order_id": "1", "refund_id": "R1", "items": ["cup"]}
    ingest.ingest([refund], channel="", person=None, at=at, trusted=True)

    orders[:] = [OrderData("1", at, [LineData("cup")], customer="7", is_cancelled=True)]
    report = backfill(channel="", at=at)

    assert report.accepted == 0
    assert Event.objects.filter(event=EventName.REFUND).count() == 1


def test_impossible_lines_are_refused_and_counted(at, orders):
    orders[:] = [
        OrderData(
            "1",
            at,
            [
                LineData("cup", 0),
                LineData("cup", 10_001),
                LineData("cup", 1, Decimal("-1")),
                LineData(""),
                LineData("k" * 129),
                LineData("gift", 1, Decimal(0)),
            ],
            customer="7",
        ),
        OrderData("2", at + timedelta(days=2), [LineData("cup")], customer="7"),
    ]

    report = backfill(channel="", at=at)

    assert report.accepted == 1
    assert dict(report.reasons) == {
        "impossible_quantity": 2,
        "impossible_value": 1,
        "without_item": 1,
        "too_long": 1,
        "in_the_future": 1,
    }
    assert report.lines == report.accepted + report.duplicates + sum(report.reasons.values())


def test_a_product_the_shop_no_longer_has_is_kept_but_not_shown(at, orders):
    orders[:] = [OrderData("1", at, [LineData("gone")], customer="7")]

    backfill(channel="", at=at)

    assert not Item.objects.get(key="gone").is_active


def test_customers_who_said_no_stay_out(sales, at):
    Visitor.objects.create(key=customer_key(str(make_reader("ann").pk), ""), consent=False)

    report = backfill(channel="", at=at)

    assert dict(report.reasons) == {"no_consent": 2}
    assert bought() == [("S2", "dune", None)]


def test_moments_without_a_time_zone_are_the_sites(at, orders, settings):
    settings.TIME_ZONE = "Asia/Shanghai"
    orders[:] = [OrderData("1", datetime(2026, 1, 2, 12), [LineData("cup")])]

    backfill(channel="", at=at)

    assert Event.objects.get().event_time.isoformat() == "2026-01-02T04:00:00+00:00"


def test_settings_name_cancelled_and_test_orders(settings, at, books):
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "ORDERS": {
            **settings.ENGAGEMENT["ORDERS"],
            "CANCELLED": {"number__startswith": "X"},
            "TEST": {"buyer__username": "tester"},
        },
    }
    make_sale("ann", [books[0]], at=at, number="X1")
    make_sale("tester", [books[0]], at=at, number="S1")
    make_sale("ann", [books[1]], at=at, number="S2")

    report = backfill(channel="", at=at)

    assert (report.test_orders, report.cancelled_orders) == (1, 1)
    assert [order for order, _item, _visitor in bought()] == ["S2"]


def test_the_command_reports(sales):
    out = StringIO()
    call_command("engagement_backfill", "--since", "2020-01-01", stdout=out)

    text = " ".join(out.getvalue().split())
    assert "3 items: 3 new" in text
    assert "2 orders: 0 tests left out, 0 cancelled 3 lines" in text


def test_the_command_says_what_is_missing(db, orders):
    with pytest.raises(CommandError, match="ORDERS"):
        call_command("engagement_backfill")


def test_the_command_refuses_what_is_no_moment(db):
    with pytest.raises(CommandError, match="--since"):
        call_command("engagement_backfill", "--since", "yesterday")


def test_many_orders_are_stored_in_pieces(at, orders, monkeypatch):
    monkeypatch.setattr("engagement.flows.importing.backfill.BATCH", 10)
    make_book("Dune")
    orders[:] = [
        OrderData(str(n), at, [LineData("dune"), LineData("cup")], customer=str(n % 3))
        for n in range(17)
    ]
    told = []

    report = backfill(channel="", at=at, progress=lambda what, n: told.append((what, n)))

    assert report.accepted == 34
    assert Visitor.objects.count() == 3
    assert sum(n for what, n in told if what == "orders") == 17
