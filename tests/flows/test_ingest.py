"""What the shop's own code reports: stored after its transaction, and never in its way."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from engagement.adapters import LineData, ModelAdapter
from engagement.flows.collecting import ingest, tokens
from engagement.flows.collecting.identity import Person, customer_key, person_from_request
from engagement.models import Event, EventName, Item, Visitor
from engagement.shortcuts import arecord_event, receiver_guard, record_event
from engagement.signals import events_recorded
from tests.othershop.models import Book

pytestmark = pytest.mark.django_db
ADA = Person("", "a" + "1" * 32, "", None, True, False)


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def dune(books):
    Item.objects.create(external_id="dune", title="Dune")
    return books[0]


@pytest.fixture
def request_(rf):
    request = rf.get("/")
    request.user = AnonymousUser()
    return request


def rows(*fields):
    return list(Event.objects.order_by("pk").values_list(*fields))


# -- record_event -------------------------------------------------------------------------------


def test_the_shops_objects_are_understood(request_, dune, committed):
    with committed():
        record_event("view_item", request=request_, item=dune)

    assert rows("event", "item__key") == [(EventName.VIEW_ITEM, "dune")]
    assert person_from_request(request_).claim.used


def test_an_order_is_a_row_a_line(request_, books, committed):
    dune, emma, ulysses = books
    lines = [
        dune,
        (emma, 2),
        (ulysses, 3, Decimal("29.70")),
        {"item": dune, "quantity": 4, "price": 9.99},
        LineData("emma", quantity=5, value=Decimal(40)),
    ]
    with committed():
        record_event("purchase", request=request_, order_ref="S1", items=lines)

    assert rows("item__key", "quantity", "value", "currency", "order_ref") == [
        ("dune", 1, None, "", "S1"),
        ("emma", 2, None, "", "S1"),
        ("ulysses", 3, Decimal("29.70"), "EUR", "S1"),
        ("dune", 4, Decimal("39.96"), "EUR", "S1"),
        ("emma", 5, Decimal("40.00"), "EUR", "S1"),
    ]


def test_an_item_that_the_mirror_does_not_know_yet_gets_its_title(request_, books, committed):
    with committed():
        record_event("view_item", request=request_, item=books[1])

    assert Item.objects.get().title == "Emma"


def test_an_order_told_twice_is_stored_once(request_, dune, committed):
    for _time in range(2):
        with committed():
            record_event("purchase", request=request_, order_ref="S1", items=[(dune, 2, 20)])

    assert Event.objects.count() == 1


def test_the_order_of_lines_does_not_matter(request_, books, committed):
    for lines in (books, books[::-1]):
        with committed():
            record_event("purchase", request=request_, order_ref="S1", items=lines)

    assert Event.objects.count() == 3


def test_a_search_needs_no_item_and_is_cut_to_length(request_, committed):
    with committed():
        record_event("search", request=request_, query="  sand\nworms " + "x" * 300)

    [(query, item)] = rows("query", "item")
    assert query.startswith("sand worms xxx")
    assert len(query) == 200
    assert item is None


def test_nothing_touches_the_database_before_the_commit(
    rf, dune, django_assert_num_queries, django_capture_on_commit_callbacks, django_user_model
):
    request = rf.get("/")
    # As the authentication middleware leaves it: nobody has asked the database yet.
    request.user = SimpleLazyObject(lambda: django_user_model.objects.first() or AnonymousUser())
    with (
        django_capture_on_commit_callbacks() as callbacks,
        django_assert_num_queries(0),
    ):
        record_event("view_item", request=request, item=dune)

    assert len(callbacks) == 1
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_did_not_happen(request_, dune):
    with transaction.atomic():
        record_event("view_item", request=request_, item=dune)
        transaction.set_rollback(True)
    assert not Event.objects.exists()

    record_event("view_item", request=request_, item=dune)
    assert Event.objects.count() == 1


def test_one_insert_and_few_questions(request_, dune, committed):
    with committed():
        record_event("view_item", request=request_, item=dune)
    with (
        CaptureQueriesContext(
            connection,
        ) as asked,
        committed(),
    ):
        record_event("view_item", request=request_, item=dune)

    statements = [one["sql"] for one in asked.captured_queries]
    assert sum(sql.startswith("INSERT") for sql in statements) == 1
    assert sum(sql.startswith("SELECT") for sql in statements) <= 2


def test_the_moment_is_when_it_was_said(request_, dune, committed):
    moment = timezone.now() - timedelta(days=400)
    with committed():
        record_event("view_item", request=request_, item=dune, at=moment)

    assert rows("event_time") == [(moment,)]


@pytest.mark.parametrize(
    "arguments",
    [
        {"event": "teleport", "item": "dune"},
        {"event": "view_item"},
        {"event": "view_item", "item": Book(name="Not saved")},
        {"event": "view_item", "items": 5},
        {"event": "view_item", "items": [(1, 2, 3, 4, 5)]},
        {"event": "view_item", "item": "dune", "quantity": -1},
        {"event": "view_item", "item": "dune", "value": float("nan")},
        {"event": "view_item", "item": "du\x00ne"},
        {"event": "view_item", "item": "x" * 150},
        {"event": "purchase", "items": ["dune"]},
        {"event": None},
        {"event": "view_item", "item": "dune", "request": "not a request"},
        {"event": "view_item", "item": "dune", "at": "yesterday"},
    ],
)
def test_no_mistake_reaches_the_shop_and_each_is_logged(
    request_, dune, committed, caplog, arguments
):
    with caplog.at_level(logging.WARNING), committed():
        record_event(**{"request": request_, **arguments})

    assert [one.name for one in caplog.records] == ["engagement.receivers"]
    assert not Event.objects.exists()


def test_a_broken_adapter_does_not_reach_the_shop(request_, dune, committed, monkeypatch, caplog):
    def broken(self, request):
        raise RuntimeError("broken")

    monkeypatch.setattr(ModelAdapter, "get_customer", broken)
    with committed():
        record_event("view_item", request=request_, item=dune)

    assert "failed; the shop goes on" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_failing_database_does_not_take_the_shops_transaction_along(
    request_, dune, monkeypatch, caplog
):
    # The constraint refuses it: on PostgreSQL nothing else could be done in this transaction.
    monkeypatch.setattr(
        "engagement.flows.collecting.lines.read_value", lambda field, value: Decimal(-5)
    )
    with transaction.atomic():
        record_event("add_to_cart", request=request_, items=[{"item": dune, "price": 1}])
        dune.name = "Dune Messiah"
        dune.save()

    dune.refresh_from_db()
    assert dune.name == "Dune Messiah"
    assert not Event.objects.exists()


def test_a_database_that_is_down_is_told_once_not_by_every_page(
    request_, dune, committed, monkeypatch, caplog
):
    def locked(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(Event.objects, "bulk_create", locked)
    for _page in range(5):
        with committed():
            record_event("view_item", request=request_, item=dune)

    assert len(caplog.records) == 1


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose"])
def test_pages_that_are_loaded_ahead_were_not_visited(rf, dune, committed, header):
    request = rf.get("/", headers={header: "prefetch;prerender"})
    request.user = AnonymousUser()
    with committed():
        record_event("view_item", request=request, item=dune)

    assert not Event.objects.exists()


def test_a_click_keeps_its_shelf(request_, dune, committed):
    token = tokens.issue(placement="home.for_you", artifact_id=1, person=None, at=timezone.now())
    with committed():
        record_event("view_item", request=request_, item=dune, recommendation_id=token)

    assert rows("placement") == [("home.for_you",)]


def test_an_id_from_the_address_bar_is_not_believed(request_, dune, committed):
    with committed():
        record_event("view_item", request=request_, item=dune, recommendation_id="made-up")

    assert rows("placement", "recommendation_id") == [("", "")]


def test_a_customer_may_be_named_beside_the_request(request_, dune, committed):
    with committed():
        record_event("purchase", request=request_, customer=42, order_ref="1", item=dune)

    assert Visitor.objects.get().key == customer_key("42", "")


def test_a_guests_order_without_a_request_has_no_visitor(dune, committed):
    with committed():
        record_event("purchase", order_ref="1", items=[dune])

    assert rows("visitor", "item__key") == [(None, "dune")]


@pytest.mark.django_db(transaction=True)
def test_events_can_be_recorded_from_async_views(request_, dune):
    from asgiref.sync import async_to_sync

    async_to_sync(arecord_event)("view_item", request=request_, item="dune")

    assert Event.objects.count() == 1


# -- receivers ----------------------------------------------------------------------------------


def test_a_guarded_receiver_lets_the_shop_go_on(caplog):
    @receiver_guard
    def broken(sender, **kwargs):
        raise RuntimeError("no")

    assert broken(sender=None) is None
    assert "broken failed" in caplog.text


def test_loading_fixtures_is_no_news():
    called = []

    @receiver_guard
    def saved(sender, **kwargs):
        called.append(sender)

    saved(sender=1, raw=True)
    saved(sender=2, raw=False)
    assert called == [2]


# -- store --------------------------------------------------------------------------------------


def event(name, item, **fields):
    return Event(
        key=ingest.event_key("", name),
        event=EventName.VIEW_ITEM,
        item=item,
        event_time=timezone.now(),
        **fields,
    )


def test_storing_again_adds_nothing(dune):
    item = Item.objects.get()

    assert ingest.store([event("a", item), event("b", item), event("a", item)], channel="") == 2
    assert ingest.store([event("b", item), event("c", item)], channel="") == 1
    assert ingest.store([], channel="") == 0
    assert Event.objects.count() == 3


def test_listeners_hear_of_what_is_new_after_the_commit(dune, committed):
    heard = []
    events_recorded.connect(lambda **kwargs: heard.append(kwargs), weak=False, dispatch_uid="t")
    item = Item.objects.get()
    try:
        with committed():
            ingest.store([event("a", item)], channel="")
            assert heard == []
        with committed():
            ingest.store([event("a", item), event("b", item)], channel="")
    finally:
        events_recorded.disconnect(dispatch_uid="t")

    assert [[one.key for one in each["events"]] for each in heard] == [
        [ingest.event_key("", "a")],
        [ingest.event_key("", "b")],
    ]


def test_keys_are_the_same_for_the_same_line_and_different_for_any_other():
    parts = {"channel": "", "event": "purchase", "order_ref": "1", "item_key": "dune"}
    key = ingest.order_key(**parts)

    assert key == ingest.order_key(**parts)
    others = [
        ingest.order_key(**{**parts, "channel": "de"}),
        ingest.order_key(**{**parts, "event": "refund"}),
        ingest.order_key(**{**parts, "order_ref": "2"}),
        ingest.order_key(**{**parts, "item_key": "emma"}),
        ingest.order_key(**parts, nth=1),
        ingest.order_key(**parts, variant_id="blue"),
    ]
    assert len({key, *others}) == 7


def test_a_batch_of_many_visitors_asks_few_questions(dune, django_assert_max_num_queries):
    payloads = [
        {
            "event": "purchase",
            "customer_id": str(n % 50),
            "order_id": str(n),
            "event_time": "2020-05-01",
            "items": [{"item_id": f"book-{n % 20}", "quantity": 1, "price": 5}],
        }
        for n in range(300)
    ]
    with django_assert_max_num_queries(40):
        report = ingest.ingest(payloads, channel="", person=None, at=timezone.now(), trusted=True)

    assert (report.accepted, report.rejected) == (300, [])
    assert Visitor.objects.count() == 50


def test_every_event_of_ours_can_be_sent_by_its_own_name(dune):
    payloads = [
        {
            "event": name.code,
            "items": ["dune"],
            "order_id": "1",
            "query": "dune",
            "promotion_id": "p",
        }
        for name in EventName
    ]
    report = ingest.ingest(payloads, channel="", person=ADA, at=timezone.now(), trusted=True)

    assert report.accepted == len(EventName)
