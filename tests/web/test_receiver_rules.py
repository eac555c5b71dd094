"""
What a receiver of a shop's signals may do to the shop: nothing, neither in autocommit nor under
ATOMIC_REQUESTS, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from prometheus_client import REGISTRY

from engagement.contrib.plain import receivers
from engagement.flows.collecting import ingest
from engagement.models import Event, EventName, Item, Review
from engagement.shortcuts import (
    after_commit,
    current_request,
    receiver_guard,
    record_event,
    record_order,
    submit_review,
)
from tests.othershop.catalogue import make_book, make_reader
from tests.othershop.models import Sale
from tests.services import free_port
from tests.web.receiver_pages import placed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.web.receiver_pages"),
]


@pytest.fixture(params=["autocommit", "atomic"])
def _each_way(request, monkeypatch):
    is_atomic = request.param == "atomic"
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", is_atomic)


each_way = pytest.mark.usefixtures("_each_way")


@pytest.fixture
def dune(browser):
    Item.objects.create(external_id="dune", title="Dune")
    return make_book("Dune")


@pytest.fixture
def listen():
    """Have a receiver hear of orders while the test lasts."""
    heard = []

    def connect(receiver):
        placed.connect(receiver, weak=False)
        heard.append(receiver)
        return receiver

    yield connect
    for receiver in heard:
        placed.disconnect(receiver)


def purchase(*, order, request, **kwargs):
    lines = [(line.book, line.copies, line.paid) for line in order.lines.all()]
    record_event("purchase", request=request, order_ref=order.number, items=lines)


def sold(response):
    """Return how many orders there are; the one that was just made is among them."""
    assert response.status_code == 200
    assert Sale.objects.filter(number=response.content.decode()).count() == 1
    return Sale.objects.count()


def failures(name):
    found = REGISTRY.get_sample_value("engagement_receiver_failures_total", {"receiver": name})
    return found or 0


def bad_sql():
    with connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")


# -- 1: what is raised is caught, logged and counted --------------------------------------------


@each_way
def test_what_a_receiver_raises_is_logged_and_counted(browser, dune, listen, caplog):
    @receiver_guard
    def broken(**kwargs):
        raise RuntimeError("broken")

    listen(broken)
    before = failures(broken.__qualname__)

    assert sold(browser.post("/buy/dune/")) == 1
    assert [(one.name, one.levelname) for one in caplog.records] == [
        ("engagement.receivers", "ERROR")
    ]
    assert failures(broken.__qualname__) == before + 1


@each_way
def test_a_second_try_is_an_order_too(browser, dune, listen):
    @receiver_guard
    def broken(**kwargs):
        raise RuntimeError("broken")

    listen(broken)
    browser.post("/buy/dune/")

    assert sold(browser.post("/buy/dune/")) == 2


# -- 2 and 3: nothing is asked before the commit, and what is done after it harms nobody --------


@each_way
def test_nothing_of_ours_is_asked_before_the_shop_is_done(browser, dune, listen, monkeypatch):
    listen(receiver_guard(purchase))
    order = []
    monkeypatch.setattr(
        "engagement.flows.collecting.recording.ingest.ingest",
        lambda *args, **kwargs: order.append(connection.in_atomic_block),
    )
    browser.post("/buy/dune/")

    assert order == [False]


@each_way
def test_a_receiver_that_asks_the_database_does_so_after_the_commit(browser, dune, listen, caplog):
    @after_commit
    def asks(**kwargs):
        bad_sql()

    listen(asks)

    # On PostgreSQL, asked before, it would have taken the order with it.
    assert sold(browser.post("/buy/dune/")) == 1
    assert "for want of the database" in caplog.text


@each_way
def test_a_database_that_refuses_the_event_keeps_the_order(browser, dune, listen, monkeypatch):
    listen(receiver_guard(purchase))
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "ingest", lambda *args, **kwargs: bad_sql())
        assert sold(browser.post("/buy/dune/")) == 1
    assert not Event.objects.exists()

    sold(browser.post("/buy/dune/"))
    assert Event.objects.count() == 1


@each_way
def test_an_order_that_fails_was_never_told(browser, dune, listen):
    listen(receiver_guard(purchase))

    def fail(**kwargs):
        raise RuntimeError("the shop's own mistake")

    listen(fail)
    browser.raise_request_exception = False
    is_atomic = connections.settings["default"]["ATOMIC_REQUESTS"]

    assert browser.post("/buy/dune/").status_code == 500
    # Without a transaction the order was there already when the shop failed.
    assert Sale.objects.count() == Event.objects.count() == (0 if is_atomic else 1)


# -- 4: a broker that is down -------------------------------------------------------------------


@each_way
def test_a_dead_broker_costs_a_line_in_the_log(
    browser, dune, listen, settings, monkeypatch, caplog
):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_AT_ONCE": False}
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    monkeypatch.setenv("CELERY_BROKER_URL", nowhere)
    monkeypatch.setitem(current_app.conf, "broker_url", nowhere)
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    current_app.pool.force_close_all()

    @after_commit
    def reviewed(*, request, **kwargs):
        submit_review(item=dune, rating=5, body="A fine book.", request=request)

    listen(reviewed)

    assert sold(browser.post("/buy/dune/")) == 1
    assert Review.objects.count() == 1
    assert "left to the sweep" in caplog.text


# -- 5: fixtures are no news --------------------------------------------------------------------


def test_what_loaddata_puts_in_is_no_news(dune, settings, tmp_path):
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "ORDERS": {**settings.ENGAGEMENT["ORDERS"], "LISTEN": True},
    }
    rows = [
        {
            "model": "othershop.sale",
            "pk": 1,
            "fields": {"number": "S1", "sold_at": "2026-03-02T09:00:00Z"},
        },
        {"model": "othershop.saleline", "pk": 1, "fields": {"sale": 1, "book": "dune"}},
    ]
    path = tmp_path / "sales.json"
    path.write_text(json.dumps(rows))
    receivers.connect()
    try:
        call_command("loaddata", str(path), verbosity=0)
        assert Sale.objects.count() == 1
        assert not Event.objects.exists()
        # The same rows, saved by the shop, are.
        Sale.objects.get().save()
        assert Event.objects.get().event == EventName.PURCHASE
    finally:
        receivers.disconnect()


# -- 6: who is left out -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"user-agent": "Googlebot/2.1"},
        {"sec-gpc": "1"},
        {"dnt": "1"},
        {"sec-purpose": "prefetch"},
    ],
)
def test_robots_and_those_who_decline_buy_unseen(browser, dune, listen, headers):
    listen(receiver_guard(purchase))

    assert sold(browser.post("/buy/dune/", headers=headers)) == 1
    assert not Event.objects.exists()


def test_those_who_have_not_agreed_buy_unseen(browser, dune, listen, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    listen(receiver_guard(purchase))
    sold(browser.post("/buy/dune/"))
    assert not Event.objects.exists()

    browser.cookies["engagement_consent"] = "yes"
    sold(browser.post("/buy/dune/"))
    assert Event.objects.count() == 1


def test_an_order_that_tells_itself_respects_a_refusal(browser, dune, listen, settings):
    """Not even under the hash of an address, or as nobody's."""
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_out"}
    listen(lambda order, **kwargs: record_order(order))
    browser.cookies["engagement_consent"] = "no"

    assert sold(browser.post("/buy/dune/")) == 1
    assert not Event.objects.exists()


def test_staff_try_out_unseen(browser, dune, listen, admin_user):
    listen(receiver_guard(purchase))
    browser.force_login(admin_user)

    assert sold(browser.post("/buy/dune/")) == 1
    assert not Event.objects.exists()


# -- 7: what it costs ---------------------------------------------------------------------------


@each_way
def test_an_event_costs_one_insert_and_no_question(browser, dune, listen):
    @receiver_guard
    def viewed(*, request, **kwargs):
        record_event("view_item", request=request, item=dune)

    listen(viewed)
    # Who and what are met within the minute.
    browser.post("/buy/dune/")

    with CaptureQueriesContext(connection) as queries:
        browser.post("/buy/dune/")

    ours = [one["sql"] for one in queries.captured_queries if "engagement_" in one["sql"]]
    assert [sql.split()[0] for sql in ours] == ["INSERT"]


# -- signals without a request ------------------------------------------------------------------


@each_way
def test_a_signal_that_has_no_request_finds_it(browser, dune, listen):
    seen = []
    listen(lambda request, **kwargs: seen.append(current_request() is request))

    browser.post("/buy/dune/")

    assert seen == [True]
    assert current_request() is None


@each_way
def test_an_order_belongs_to_the_visit_that_has_made_it(browser, dune, listen):
    listen(lambda order, **kwargs: record_order(order))

    sold(browser.post("/buy/dune/"))

    assert Event.objects.get().visitor.key == browser.key


@each_way
def test_an_order_of_another_customer_is_theirs(browser, dune, listen):
    """A merchant's click, a payment provider's call, a marketplace."""

    @receiver_guard
    def ordered(*, order, **kwargs):
        order.buyer = make_reader("bob")
        order.save()
        record_order(order)

    listen(ordered)
    browser.force_login(make_reader("ann"))

    sold(browser.post("/buy/dune/"))

    visitor = Event.objects.get().visitor
    assert visitor.key.startswith("c")
    assert visitor.user_id is None
