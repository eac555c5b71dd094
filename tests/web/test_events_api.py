"""POST events/: what browsers, strangers and the shop's own systems are told, what is kept."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from engagement.flows.collecting import identity, tokens
from engagement.flows.collecting.aliases import CONTAINERS, FIELDS
from engagement.models import Event, EventName, Item, Visitor

URL = "/engagement/events/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def dune() -> Item:
    return Item.objects.create(external_id="dune", title="Dune")


@pytest.fixture
def emma() -> Item:
    return Item.objects.create(external_id="emma", title="Emma")


def send(client: Client, events: Any, **headers: Any) -> Any:
    return client.post(URL, json.dumps(events), content_type="application/json", headers=headers)


def view(key: Any = "dune", **fields: Any) -> dict[str, Any]:
    return {"event": "view_item", "items": [{"item_id": key}], **fields}


def line(**fields: Any) -> dict[str, Any]:
    return {"event": "add_to_cart", "items": [{"item_id": "dune", **fields}]}


def ago(**parts: float) -> str:
    return (timezone.now() - timedelta(**parts)).isoformat()


# -- what is stored -----------------------------------------------------------------------------


def test_a_view_is_stored_under_a_new_visitor(client, dune):
    answer = send(client, [view()])

    assert answer.status_code == 200
    assert answer.json() == {"accepted": 1, "duplicates": 0, "rejected": []}
    event = Event.objects.get()
    assert (event.event, event.item, event.quantity) == (EventName.VIEW_ITEM, dune, 1)
    assert event.visitor is not None
    assert event.visitor.key.startswith("a")


def test_the_visitor_comes_back_by_a_signed_cookie(client, dune):
    cookie = send(client, [view()]).cookies["engagement_visitor"]
    again = send(client, [view()])

    assert Visitor.objects.count() == 1
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert not cookie["secure"]
    assert "engagement_visitor" not in again.cookies


def test_the_cookie_is_secure_where_the_page_is(client, dune):
    answer = client.post(URL, json.dumps([view()]), content_type="application/json", secure=True)

    assert answer.cookies["engagement_visitor"]["secure"]


def test_a_forged_cookie_is_nobody(client, dune):
    other = Visitor.objects.create(key="a" + "0" * 32)
    client.cookies["engagement_visitor"] = other.key + ":signature"
    send(client, [view()])

    assert Event.objects.get().visitor != other


def test_a_signed_in_customer_keeps_one_key_on_every_device(django_user_model, dune):
    reader = django_user_model.objects.create_user("ada")
    for _device in range(2):
        client = Client()
        client.force_login(reader)
        send(client, [view()])

    visitor = Visitor.objects.get()
    assert visitor.key == identity.customer_key(str(reader.pk), "")
    assert visitor.user == reader
    assert visitor.event_set.count() == 2


def test_an_event_with_several_items_is_a_row_an_item(client, dune, emma):
    send(
        client,
        [
            {
                "event": "add_to_cart",
                "currency": "eur",
                "items": [
                    {"item_id": "dune", "quantity": 3, "price": 2.5},
                    {"item_id": "emma", "quantity": "2", "price": "0.335", "index": 4},
                ],
            }
        ],
    )

    rows = Event.objects.order_by("pk").values_list("item", "quantity", "value", "currency", "rank")
    assert list(rows) == [
        (dune.pk, 3, Decimal("7.50"), "EUR", None),
        (emma.pk, 2, Decimal("0.67"), "EUR", 4),
    ]


def test_the_same_event_sent_twice_is_stored_once(client, dune):
    batch = [view(event_id="e1"), view(event_id="e2"), view(event_id="e1")]

    assert send(client, batch).json() == {"accepted": 2, "duplicates": 1, "rejected": []}
    assert send(client, batch).json() == {"accepted": 0, "duplicates": 3, "rejected": []}
    assert Event.objects.count() == 2


def test_numbering_events_by_page_does_not_swallow_other_visitors_events(dune):
    for _visitor in range(2):
        send(Client(), [view(event_id="1")])

    assert Event.objects.count() == 2


def test_text_as_send_beacon_sends_it_is_read(client, dune):
    answer = client.post(
        URL,
        json.dumps({"events": [view()]}),
        content_type="text/plain;charset=UTF-8",
        headers={"Accept": "text/html"},
    )

    assert answer.json()["accepted"] == 1


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": "m1",
                "properties": {"product_id": "dune", "name": "Dune", "price": 18.99},
                "context": {"page": {"path": "/"}},
            },
            EventName.VIEW_ITEM,
        ),
        (
            {
                "event": "Product List Viewed",
                "properties": {"products": [{"product_id": "dune", "position": 1}]},
            },
            EventName.VIEW_ITEM_LIST,
        ),
        (
            {
                "eventType": "add-to-cart",
                "productDetails": [{"product": {"id": "dune"}, "quantity": 2}],
            },
            EventName.ADD_TO_CART,
        ),
        ({"eventType": "search", "searchQuery": "sand worms"}, EventName.SEARCH),
        ({"event": "trackProductView", "item_id": "dune"}, EventName.VIEW_ITEM),
        (
            {
                "name": "select_item",
                "params": {"items": [{"item_id": "dune", "index": 3}], "currency": "EUR"},
            },
            EventName.SELECT_ITEM,
        ),
        ({"event": "hide_item", "items": ["dune"]}, EventName.HIDE_ITEM),
    ],
)
def test_what_other_systems_call_it_is_understood(client, dune, payload, event):
    assert send(client, [payload]).json()["rejected"] == []
    assert Event.objects.get().event == event


# -- what is refused ----------------------------------------------------------------------------

NAN, INFINITE = float("nan"), float("inf")
FAR = "2999-01-01T00:00:00Z"

MALFORMED: list[tuple[Any, str, str]] = [
    # not an event at all
    (None, "event", "not_an_object"),
    (7, "event", "not_an_object"),
    ("view_item", "event", "not_an_object"),
    ([], "event", "not_an_object"),
    ([view()], "event", "not_an_object"),
    ({}, "event", "required"),
    ({"items": ["dune"]}, "event", "required"),
    ({"event": None, "items": ["dune"]}, "event", "required"),
    # its name
    ({"event": "", "items": ["dune"]}, "event", "unknown_event"),
    ({"event": "teleport", "items": ["dune"]}, "event", "unknown_event"),
    ({"eventType": "teleport"}, "eventType", "unknown_event"),
    ({"event": {"name": "view_item"}}, "event", "not_text"),
    ({"event": ["view_item"]}, "event", "not_text"),
    ({"event": True}, "event", "not_text"),
    ({"event": "v" * 65}, "event", "too_long"),
    ({"event": "view\x00item"}, "event", "control_characters"),
    # what only the shop can say
    ({"event": "purchase", "order_id": "1", "items": ["dune"]}, "event", "server_only"),
    ({"event": "Order Completed", "items": ["dune"]}, "event", "server_only"),
    ({"event": "refund", "order_id": "1", "items": ["dune"]}, "event", "server_only"),
    (view(customer_id="42"), "customer_id", "not_allowed"),
    (view(userId="42"), "userId", "not_allowed"),
    (view(visitor_id="somebody"), "visitor_id", "not_allowed"),
    # its items
    ({"event": "view_item"}, "items", "required"),
    ({"event": "view_item", "items": []}, "items", "required"),
    ({"event": "select_item", "items": None}, "items", "required"),
    ({"event": "view_item", "items": "dune"}, "items", "not_a_list"),
    ({"event": "view_item", "items": {"item_id": "dune"}}, "items", "not_a_list"),
    ({"event": "view_item", "items": [None]}, "items[0]", "not_an_object"),
    ({"event": "view_item", "items": [True]}, "items[0]", "not_an_object"),
    ({"event": "view_item", "items": ["dune", ["emma"]]}, "items[1]", "not_an_object"),
    ({"event": "view_item", "items": ["dune", {}]}, "items[1].item_id", "required"),
    (view(""), "items[0].item_id", "required"),
    (view("  "), "items[0].item_id", "required"),
    (view("no-such-book"), "items[0].item_id", "unknown_item"),
    (view({"deep": {"er": []}}), "items[0].item_id", "not_text"),
    (view(1.5), "items[0].item_id", "not_text"),
    (view(10**30), "items[0].item_id", "not_text"),
    (view("x" * 162), "items[0].item_id", "too_long"),
    (view("du\x00ne"), "items[0].item_id", "control_characters"),
    (view("du\ud800ne"), "items[0].item_id", "control_characters"),
    ({"event": "view_item", "product_id": "nope"}, "product_id", "unknown_item"),
    ({"event": "view_item", "products": [{"id": False}]}, "products[0].id", "not_text"),
    ({"event": "view_item_list", "items": ["dune"] * 201}, "items", "too_many_items"),
    # how many
    (line(quantity=0), "items[0].quantity", "too_small"),
    (line(quantity=-1), "items[0].quantity", "too_small"),
    (line(quantity=1.5), "items[0].quantity", "not_whole"),
    (line(quantity=10_001), "items[0].quantity", "too_large"),
    (line(quantity=10**400), "items[0].quantity", "too_large"),
    (line(quantity=True), "items[0].quantity", "not_a_number"),
    (line(quantity="many"), "items[0].quantity", "not_a_number"),
    (line(quantity=[1]), "items[0].quantity", "not_a_number"),
    (line(quantity=NAN), "items[0].quantity", "not_finite"),
    (line(quantity=INFINITE), "items[0].quantity", "not_finite"),
    (line(index=-1), "items[0].index", "too_small"),
    (line(index=40_000), "items[0].index", "too_large"),
    (line(index="first"), "items[0].index", "not_a_number"),
    # how much
    (line(price=-0.01), "items[0].price", "negative"),
    (line(price=NAN), "items[0].price", "not_finite"),
    (line(price=-INFINITE), "items[0].price", "not_finite"),
    (line(price=1e300), "items[0].price", "too_large"),
    (line(price=True), "items[0].price", "not_a_number"),
    (line(price="9,99"), "items[0].price", "not_a_number"),
    (line(price={"amount": 9}), "items[0].price", "not_a_number"),
    (line(price=999_999, quantity=2), "items[0].price", "too_large"),
    (view(value=-5), "value", "negative"),
    (view(value=1_000_001), "value", "too_large"),
    (view(value="lots"), "value", "not_a_number"),
    (view(value=5, currency="euro"), "currency", "not_a_currency"),
    (view(value=5, currency="€"), "currency", "not_a_currency"),
    (view(value=5, currency=978), "currency", "not_a_currency"),
    # when
    (view(event_time="yesterday"), "event_time", "not_a_moment"),
    (view(event_time="2026-13-45T00:00:00Z"), "event_time", "not_a_moment"),
    (view(event_time=True), "event_time", "not_a_number"),
    (view(event_time=[2026, 5, 17]), "event_time", "not_a_number"),
    (view(event_time=NAN), "event_time", "not_finite"),
    (view(event_time=10**18), "event_time", "not_a_moment"),
    (view(event_time=-1), "event_time", "too_old"),
    (view(event_time="0001-01-01T00:00:00+14:00"), "event_time", "too_old"),
    (view(event_time="9999-12-31T23:59:59-12:00"), "event_time", "in_the_future"),
    (view(event_time=FAR), "event_time", "in_the_future"),
    (view(timestamp=FAR), "timestamp", "in_the_future"),
    (view(event_time=32_472_144_000), "event_time", "in_the_future"),
    (view(event_time=32_472_144_000_000), "event_time", "in_the_future"),
    (view(event_time="2020-01-01"), "event_time", "too_old"),
    (view(event_time=1_577_836_800), "event_time", "too_old"),
    # ids and words
    (view(event_id="e" * 65), "event_id", "too_long"),
    (view(event_id={}), "event_id", "not_text"),
    (view(messageId="a\nb"), "messageId", "control_characters"),
    (view(session_id="s" * 65), "session_id", "too_long"),
    (view(session_id="\udfff"), "session_id", "control_characters"),
    (view(order_id="o" * 65), "order_id", "too_long"),
    (view(promotion_id=["p"]), "promotion_id", "not_text"),
    (view(placement={"a": 1}), "placement", "not_text"),
    ({"event": "search"}, "query", "required"),
    ({"event": "search", "query": " \t "}, "query", "required"),
    ({"event": "search", "query": "q" * 201}, "query", "too_long"),
    ({"event": "search", "query": "nul\x00"}, "query", "control_characters"),
    ({"event": "search", "search_term": 5}, "search_term", "not_text"),
    ({"event": "view_promotion"}, "promotion_id", "required"),
    ({"event": "Product Viewed", "properties": ["dune"]}, "properties", "not_an_object"),
    ({"event": "Product Viewed", "properties": {}}, "items", "required"),
    (
        {"event": "Product Viewed", "properties": {"product_id": "dune", "price": "?"}},
        "properties.price",
        "not_a_number",
    ),
    # where it was seen
    (view(recommendation_id="made-up"), "recommendation_id", "recommendation_malformed"),
    (view(recommendation_id="bWFkZQ.dXA"), "recommendation_id", "recommendation_forged"),
    (view(recommendation_id="ä.ö"), "recommendation_id", "recommendation_malformed"),
    (view(recommendation_id="r" * 201), "recommendation_id", "too_long"),
    (view(attributionToken="made-up"), "attributionToken", "recommendation_malformed"),
]


@pytest.mark.parametrize(("event", "field", "code"), MALFORMED)
def test_a_malformed_event_is_refused_by_field_and_the_others_are_stored(
    client, dune, emma, event, field, code
):
    answer = send(client, [view("dune"), event, view("emma")])

    assert answer.status_code == 200
    body = answer.json()
    assert [(one["index"], one["field"], one["code"]) for one in body["rejected"]] == [
        (1, field, code)
    ]
    assert body["rejected"][0]["message"]
    assert body["accepted"] == 2
    assert list(Event.objects.order_by("pk").values_list("item__key", flat=True)) == [
        "dune",
        "emma",
    ]


def test_all_malformed_events_in_one_batch_are_told_apart(client, dune):
    batch = [event for event, _field, _code in MALFORMED]
    body = send(client, [*batch, view()]).json()

    assert [one["index"] for one in body["rejected"]] == list(range(len(MALFORMED)))
    assert [one["field"] for one in body["rejected"]] == [field for _, field, _ in MALFORMED]
    assert body["accepted"] == 1


def test_money_needs_a_currency_where_the_shop_has_none(client, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CURRENCY": ""}
    body = send(client, [line(price=5), view()]).json()

    assert body["rejected"][0]["field"] == "currency"
    assert body["accepted"] == 1


def test_moments_are_understood_in_every_usual_form(client, dune):
    moment = timezone.now().replace(microsecond=0) - timedelta(hours=5)
    seconds = int(moment.timestamp())
    forms = [
        moment.isoformat(),
        moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        moment.replace(tzinfo=None).isoformat(),
        seconds,
        str(seconds),
        seconds * 1000,
        float(seconds),
    ]
    body = send(
        client,
        [*(view(event_time=form) for form in forms), view(timestamp_micros=seconds * 1_000_000)],
    ).json()

    assert body["rejected"] == []
    assert set(Event.objects.values_list("event_time", flat=True)) == {moment}


def test_a_clock_that_runs_ahead_a_little_is_put_right(client, dune):
    send(client, [view(event_time=ago(minutes=-3))])

    assert Event.objects.get().event_time <= timezone.now()


def test_a_day_without_connection_is_forgiven(client, dune):
    assert send(client, [view(event_time=ago(hours=30))]).json()["accepted"] == 1


# -- the batch ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["", "{", "null", "7", '"text"', "{}", '{"events": {}}', "[" * 100_000, "\udcff"]
)
def test_what_is_no_batch_is_refused_whole(client, body):
    answer = client.post(
        URL, body.encode("utf-8", "surrogateescape"), content_type="application/json"
    )

    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_an_empty_batch_is_nothing(client):
    assert send(client, []).json() == {"accepted": 0, "duplicates": 0, "rejected": []}


def test_a_batch_too_large_is_refused_with_the_limit(client, dune):
    answer = send(client, [view()] * 1001)

    assert answer.status_code == 413
    assert "1000" in answer.json()["detail"]
    assert not Event.objects.exists()


def test_a_body_too_large_is_refused(client, dune, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = send(client, [view(context="x" * 2000)])

    assert answer.status_code == 413


def test_a_full_batch_is_stored(client, dune):
    assert send(client, [view()] * 1000).json()["accepted"] == 1000
    assert Event.objects.count() == 1000


def test_only_posts_are_taken(client):
    assert client.get(URL).status_code == 405


def test_forms_are_not_taken(client):
    assert client.post(URL, {"event": "view_item"}).status_code == 415


# -- from where ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://testserver.evil.example"},
        {"Origin": "not a url"},
        {"Origin": "http://[broken"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_report(client, dune, headers):
    answer = send(client, [view()], **headers)

    assert answer.status_code == 403
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://testserver"},
        {"Origin": "https://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://m.books.example", "Sec-Fetch-Site": "same-site"},
        {"Origin": "https://partner.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_the_shops_own_pages_can_report(client, dune, headers, settings):
    settings.ALLOWED_HOSTS = ["testserver", ".books.example"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://partner.example"]

    assert send(client, [view()], **headers).status_code == 200


def test_no_csrf_token_is_needed_and_none_is_asked_for(dune):
    client = Client(enforce_csrf_checks=True)

    assert send(client, [view()], Origin="http://testserver").status_code == 200


# -- by whom ------------------------------------------------------------------------------------


@pytest.fixture
def server(django_user_model) -> dict[str, str]:
    """Headers of another system of the shop's that may report anything."""
    user = django_user_model.objects.create_user("erp", password="secret")
    user.user_permissions.add(Permission.objects.get(codename="add_event"))
    return {"Authorization": "Basic " + b64encode(b"erp:secret").decode()}


def order(**fields: Any) -> dict[str, Any]:
    return {
        "event": "purchase",
        "order_id": "S1",
        "customer_id": "42",
        "event_time": "2019-03-01T12:00:00Z",
        "items": [{"item_id": "dune", "quantity": 2, "price": 9, "item_name": "Dune"}],
        **fields,
    }


def test_a_server_reports_past_orders_of_any_customer(client, server):
    body = send(client, [order()], **server).json()

    assert body["rejected"] == []
    event = Event.objects.get()
    assert event.visitor.key == identity.customer_key("42", "")
    assert event.event_time == datetime(2019, 3, 1, 12, tzinfo=UTC)
    assert event.value == 18
    assert event.item.title == "Dune"


def test_an_order_line_is_stored_once_however_often_it_is_told(client, server, dune):
    send(client, [order(event_id="first")], **server)
    body = send(client, [order(event_id="second")], **server).json()

    assert body == {"accepted": 0, "duplicates": 1, "rejected": []}
    assert Event.objects.count() == 1


def test_two_partial_refunds_of_one_line_are_two(client, server, dune):
    body = send(
        client,
        [
            order(),
            order(event="refund", refund_id="R1"),
            order(event="refund", refund_id="R2"),
            order(event="refund", refund_id="R2"),
        ],
        **server,
    ).json()

    assert (body["accepted"], body["duplicates"]) == (3, 1)


def test_a_refund_without_items_takes_the_whole_order_back(client, server, dune, emma):
    send(client, [order(items=[{"item_id": "dune", "quantity": 2, "price": 9}, "emma"])], **server)
    refund = {"event": "refund", "order_id": "S1", "customer_id": "42"}
    body = send(client, [refund, {**refund, "order_id": "S2"}], **server).json()

    rows = Event.objects.filter(event=EventName.REFUND).order_by("pk")
    assert list(rows.values_list("item__key", "quantity", "value", "currency")) == [
        ("dune", 2, Decimal(18), "EUR"),
        ("emma", 1, None, ""),
    ]
    assert [(one["index"], one["field"], one["code"]) for one in body["rejected"]] == [
        (1, "order_id", "unknown_order")
    ]


def test_an_order_that_comes_and_goes_in_one_batch(client, server, dune):
    refund = {"event": "refund", "order_id": "S1", "customer_id": "42"}

    assert send(client, [order(), refund], **server).json()["accepted"] == 2
    assert Event.objects.get(event=EventName.REFUND).quantity == 2


def test_a_servers_order_needs_its_number(client, server, dune):
    body = send(client, [order(order_id=None)], **server).json()

    assert [(one["field"], one["code"]) for one in body["rejected"]] == [("order_id", "required")]


def test_a_server_must_say_who_viewed_something(client, server, dune):
    body = send(client, [view()], **server).json()

    assert body["rejected"][0]["field"] == "visitor_id"


def test_a_guests_order_has_no_visitor(client, server, dune):
    assert send(client, [order(customer_id=None)], **server).json()["accepted"] == 1
    assert Event.objects.get().visitor is None


def test_a_server_names_a_browser_by_its_cookie(client, server, dune):
    cookie = send(client, [view()]).cookies["engagement_visitor"].value
    send(Client(), [order(customer_id=None, visitor_id=cookie)], **server)

    assert Visitor.objects.count() == 1


def test_another_systems_visitor_ids_are_stored_as_pseudonyms(client, server, dune):
    send(client, [view(visitor_id="device-of-ada@example.com")] * 2, **server)

    assert "ada" not in Visitor.objects.get().key


def test_an_account_without_the_permission_is_a_stranger(client, server, django_user_model, dune):
    django_user_model.objects.get().user_permissions.clear()
    body = send(client, [order()], **server).json()

    assert body["rejected"][0]["code"] == "server_only"


def test_a_wrong_password_is_told(client, server):
    wrong = {"Authorization": "Basic " + b64encode(b"erp:wrong").decode()}

    assert send(client, [order()], **wrong).status_code == 401


def test_a_session_with_every_permission_is_still_a_browser(client, admin_user, dune):
    client.force_login(admin_user)
    body = send(client, [order()]).json()

    assert body["accepted"] == 0


def test_staff_and_robots_leave_no_trace(client, admin_user, dune):
    client.force_login(admin_user)
    assert send(client, [view()]).json()["rejected"][0]["code"] == "staff"

    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    answer = send(Client(), [view()], **{"User-Agent": robot})
    assert answer.json()["rejected"][0]["code"] == "bot"
    assert not Event.objects.exists()
    assert not Visitor.objects.exists()


def test_nothing_is_stored_before_the_visitor_agrees(client, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    answer = send(client, [view()])

    assert answer.json()["rejected"][0]["field"] == "consent"
    assert not answer.cookies
    assert not Visitor.objects.exists()

    client.cookies["engagement_consent"] = "yes"
    assert send(client, [view()]).json()["accepted"] == 1


# -- where it was seen --------------------------------------------------------------------------


def token(client: Client, placement: str = "home.for_you") -> str:
    key = identity.read_cookie(client.cookies["engagement_visitor"].value)
    person = identity.Person("", key, "", None, True, False)
    return tokens.issue(placement=placement, artifact_id=7, person=person, at=timezone.now())


def test_a_click_carries_the_shelf_that_its_token_names(client, dune):
    send(client, [view()])
    send(
        client,
        [
            {
                "event": "select_item",
                "items": [{"item_id": "dune", "index": 2}],
                "recommendation_id": token(client),
                "placement": "cart.invented",
            }
        ],
    )

    click = Event.objects.get(event=EventName.SELECT_ITEM)
    assert (click.placement, click.rank) == ("home.for_you", 2)
    assert 0 < len(click.recommendation_id) <= 32


def test_another_visitors_token_is_refused(client, dune):
    send(client, [view()])
    body = send(Client(), [view(recommendation_id=token(client))]).json()

    assert body["rejected"][0]["code"] == "recommendation_forged"


def test_a_placement_without_a_token_is_not_believed(client, dune):
    send(client, [view(placement="home.for_you")])

    assert Event.objects.get().placement == ""


def test_a_server_may_report_attribution_it_has_stored(client, server, dune):
    send(client, [order(recommendation_id="r1", placement="home.for_you")], **server)

    event = Event.objects.get()
    assert (event.recommendation_id, event.placement) == ("r1", "home.for_you")


# -- when things break --------------------------------------------------------------------------


def test_a_visitor_who_sends_too_much_has_to_wait(client, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RATE": "5/hour"}
    send(client, [view()])
    assert send(client, [view()] * 8).status_code == 200
    answer = send(client, [view()])

    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    # The address alone may send more: an office has one for all its people.
    assert send(Client(), [view()]).status_code == 200
    assert Event.objects.count() == 10


def test_an_address_that_sends_too_much_has_to_wait(dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RATE": "1/hour"}
    assert send(Client(), [view()] * 20).status_code == 200

    assert send(Client(), [view()]).status_code == 429


def test_a_server_is_not_throttled(client, server, dune, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RATE": "1/hour"}
    for number in range(3):
        answer = send(client, [order(order_id=f"S{number}")] * 30, **server)
        assert answer.status_code == 200


def test_events_are_taken_while_the_cache_is_down(client, dune, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RATE": "1/hour"}

    for _attempt in range(3):
        assert send(client, [view()]).status_code == 200


def test_a_database_that_does_not_answer_asks_to_try_again(client, dune, monkeypatch):
    def locked(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(Event.objects, "bulk_create", locked)
    answer = send(client, [view()])

    assert answer.status_code == 503
    assert answer["Retry-After"]


# Halves of surrogate pairs and control characters included.
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner),
    max_leaves=12,
)
FIELD_NAMES = st.sampled_from([*FIELDS, *CONTAINERS, "products", "productDetails", "userInfo"])
VALUES = ANYTHING | st.sampled_from(["view_item", "search", "add_to_cart", "dune", 1e400, "1e5"])
LINES = st.lists(
    st.dictionaries(
        st.sampled_from(["item_id", "id", "quantity", "price", "value", "index", "product"]),
        VALUES | st.just("dune"),
    ),
    max_size=3,
)
EVENTS = st.dictionaries(FIELD_NAMES, VALUES | LINES).map(
    lambda fields: {"event": "view_item", **fields}
)


@given(st.lists(EVENTS | ANYTHING, max_size=5) | ANYTHING, st.booleans())
def test_no_json_at_all_breaks_the_endpoint(django_db_blocker, body, trusted):
    from django.db import transaction

    from engagement.flows.collecting.ingest import ingest

    client = Client(raise_request_exception=True)
    with transaction.atomic():
        Item.objects.get_or_create(external_id="dune", key="dune", title="Dune")
        answer = send(client, body)
        assert answer.status_code in (200, 400)
        if answer.status_code == 200:
            report = answer.json()
            events = body if isinstance(body, list) else body.get("events", body.get("batch"))
            told = report["accepted"] + report["duplicates"] + len(report["rejected"])
            assert told == len(events)
            ingest(events, channel="", person=None, at=timezone.now(), trusted=trusted)
        transaction.set_rollback(True)
