"""Shelves cost a page three queries at most: what is live, what was done, what is on sale."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engagement.flows.serving import live
from engagement.models import Event, EventName, Visitor

pytestmark = pytest.mark.urls("tests.web.pages")


def cost(browser, url, plain):
    """Return the queries that ``url`` needs more than ``plain``, after a first visit."""
    for page in (url, plain):
        browser.get(page)
    with CaptureQueriesContext(connection) as without:
        assert browser.get(plain).status_code == 200
    with CaptureQueriesContext(connection) as queries:
        response = browser.get(url)
    assert response.content.count(b"data-engagement-shelf") == 3
    asked = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    return asked[len(without) :]


@pytest.mark.parametrize("url", ["/books/emma/", "/"])
def test_three_shelves_cost_three_queries(shop, browser, did, url):
    for key in ("dune", "emma", "solaris"):
        did(EventName.VIEW_ITEM, key)

    asked = cost(browser, url, "/plain/emma/" if url != "/" else "/lazy/")

    assert len(asked) <= 3, "\n\n".join(asked)


def test_without_a_model_too(shop, browser, did, monkeypatch):
    from engagement.models import Activation

    Activation.objects.all().delete()
    did(EventName.VIEW_ITEM, "dune")
    did(EventName.PURCHASE, "emma")

    asked = cost(browser, "/", "/lazy/")

    assert len(asked) <= 3, "\n\n".join(asked)


def test_between_polls_two_queries_are_enough(shop, browser, did, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
    did(EventName.VIEW_ITEM, "dune")

    assert len(cost(browser, "/", "/lazy/")) <= 2


def test_a_shelf_that_the_template_leaves_out_costs_nothing(shop, browser, did, monkeypatch):
    """Its model is not asked."""
    did(EventName.VIEW_ITEM, "dune")
    browser.get("/")
    asked = []
    model = live.live("", "bought_together").recommender
    monkeypatch.setattr(model, "score", asked.append)

    assert browser.get("/").content.count(b"data-engagement-shelf") == 3
    assert not asked


def test_a_stranger_has_no_history_to_read(shop, client):
    with CaptureQueriesContext(connection) as queries:
        client.get("/")

    assert not any('"visitor_id" IN (SELECT' in query["sql"] for query in queries)


@pytest.mark.slow
def test_a_million_events_change_nothing(shop, browser, did):
    fill(1_000_000, shop)
    for key in ("dune", "emma", "solaris"):
        did(EventName.VIEW_ITEM, key)

    asked = cost(browser, "/books/emma/", "/plain/emma/")

    assert len(asked) <= 3, "\n\n".join(asked)
    history = next(sql for sql in asked if "engagement_event" in sql)
    plan = explain(history)
    assert "engagement_event_history" in plan, plan


def explain(sql):
    prefix = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute(f"{prefix} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def fill(n, items):
    """Store ``n`` events of a thousand visitors, made by the database itself."""
    Visitor.objects.bulk_create(Visitor(key=f"v{number}") for number in range(1000))
    visitor = Visitor.objects.get(key="v0").pk
    now = timezone.now()
    values = {
        "key": "printf('%032x', i)",
        "channel": "''",
        "event": "CASE i % 4 WHEN 0 THEN 10 WHEN 1 THEN 6 ELSE 3 END",
        "visitor_id": f"{visitor} + i % 1000",
        "item_id": f"{items[0].pk} + i % {len(items)}",
        "variant_id": "''",
        "session_id": "''",
        "event_time": f"datetime('{now:%Y-%m-%d %H:%M:%S}', '-' || (i * 30) || ' seconds')",
        "recorded_at": f"'{now:%Y-%m-%d %H:%M:%S}'",
        "quantity": "1",
        "currency": "''",
        "order_ref": "''",
        "query": "''",
        "placement": "''",
        "recommendation_id": "''",
        "promotion_id": "''",
    }
    if connection.vendor == "postgresql":
        values["key"] = "lpad(to_hex(i), 32, '0')::uuid"
        values["event_time"] = f"'{now.isoformat()}'::timestamptz - i * interval '30 seconds'"
        values["recorded_at"] = f"'{now.isoformat()}'::timestamptz"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO engagement_event ({', '.join(values)}) "  # noqa: S608
            "WITH RECURSIVE numbers(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {n}) "
            f"SELECT {', '.join(values.values())} FROM numbers"
        )
        cursor.execute("ANALYZE")
    assert Event.objects.count() >= n
