"""Whatever of the app breaks, the shop sells: every page answers, and each order is placed once."""

from __future__ import annotations

import pytest
from celery import current_app
from django.core.cache.backends.base import BaseCache
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from oscar.core.loading import get_model

from engagement import tasks
from engagement.contrib.oscar import receivers
from engagement.contrib.oscar.adapter import OscarAdapter
from engagement.current_request import serving
from engagement.flows.collecting import ingest
from engagement.flows.serving import live
from engagement.models import Event, ModelArtifact
from tests.shops.oscar.walking import Walker, counted
from tests.shops.oscar.watching import our_queries

QUESTIONS = sorted(
    name
    for name in dir(OscarAdapter)
    if not name.startswith("_") and callable(getattr(OscarAdapter, name))
)


def fail(*args, **kwargs):
    raise RuntimeError("broken")


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_adapter_that_fails_costs_no_page_and_no_order(shop, monkeypatch, question):
    monkeypatch.setattr(OscarAdapter, question, fail)

    Walker().buy(shop.mug)

    assert len(shop.orders()) == 1


def test_an_adapter_that_cannot_be_imported_costs_no_page_and_no_order(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ADAPTER": "there.is.None"}

    Walker().buy(shop.mug)

    assert len(shop.orders()) == 1


def test_a_database_error_in_a_receiver_costs_no_order(shop, monkeypatch):
    def refuse(*args, **kwargs):
        raise DatabaseError("gone")

    monkeypatch.setattr(ingest, "ingest", refuse)
    walker = Walker()

    walker.buy(shop.mug)
    monkeypatch.undo()
    walker.buy(shop.teapot)

    assert len(shop.orders()) == 2
    assert counted()["purchase"] == 1


def test_tables_that_are_not_there_cost_no_page_and_no_order(shop):
    """As on a server that was updated before its database: every query of ours is an error."""
    tables = [name for name in connection.introspection.table_names() if "engagement" in name]
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')
    walker = Walker()

    walker.buy(shop.mug)
    walker.register()
    walker.review(shop.mug)

    assert len(tables) > 20
    assert len(shop.orders()) == 1
    assert get_model("reviews", "ProductReview").objects.count() == 1


def test_receivers_ask_nothing_while_the_shops_transaction_runs(shop, rf):
    """A query that fails there would take the shop's own work with it, even if it is caught."""
    Walker().add(shop.mug)
    (line,) = get_model("basket", "Line").objects.filter(basket__status="Open")
    review = get_model("reviews", "ProductReview")(product=shop.mug, score=5, title="!", body="!")
    request = rf.get("/?q=mug")
    request._basket_cache = line.basket
    told = {
        "sender": None,
        "product": shop.mug,
        "user": None,
        "request": request,
        "response": None,
        "order": get_model("order", "Order").objects.first(),
        "line": get_model("order", "Line").objects.first(),
        "old_status": "Pending",
        "new_status": "Cancelled",
        "review": review,
        "query": "mug",
    }

    with our_queries() as asked, transaction.atomic(), serving(request):
        for _signal, receiver, _name in receivers.SIGNALS:
            receiver(**told)
        review.save()
        line.quantity = 7
        line.save()
        line.delete()
        shop.mug.save()
        waiting = len(connection.run_on_commit)
        transaction.set_rollback(True)

    assert asked == []
    assert waiting >= len(receivers.SIGNALS)


def test_fixtures_are_no_news(shop):
    line = get_model("wishlists", "Line")
    wishes = get_model("wishlists", "WishList").objects.create(
        owner=get_model("order", "Order").objects.get(number="past-0").user
    )
    before = Event.objects.count()

    line(wishlist=wishes, product=shop.mug).save_base(raw=True)

    assert Event.objects.count() == before


def test_a_dead_broker_costs_no_page(shop, settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_AT_ONCE": False}
    monkeypatch.setitem(current_app.conf, "task_always_eager", False)
    monkeypatch.setitem(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    assert tasks.has_worker()
    walker = Walker()

    walker.register()
    walker.review(shop.mug)
    walker.fill_basket(shop.mug)
    walker.check_out()

    assert len(shop.orders()) == 1
    assert get_model("reviews", "ProductReview").objects.count() == 1


def test_broken_models_cost_no_page(shop):
    files = [name for one in ModelArtifact.objects.all() for name in _files(one.path)]
    kept = {name: default_storage.open(name).read() for name in files}
    try:
        for name in files:
            with default_storage.open(name, "wb") as file:
                file.write(b"broken")
        live.forget()
        walker = Walker()

        walker.buy(shop.mug)
    finally:
        for name, content in kept.items():
            with default_storage.open(name, "wb") as file:
                file.write(content)

    assert len(files) > 6
    assert walker.shelves["home"] == {"home.for_you"}
    assert len(shop.orders()) == 1


def _files(folder):
    folders, files = default_storage.listdir(folder)
    yield from (f"{folder}/{name}" for name in files)
    for one in folders:
        yield from _files(f"{folder}/{one}")


class DeadCache(BaseCache):
    def __init__(self, *args):
        super().__init__({})

    def __getattribute__(self, name):
        if name in {"add", "delete", "delete_many", "get", "get_many", "set", "set_many"}:
            raise ConnectionError("no cache here")
        return super().__getattribute__(name)


def test_a_dead_cache_costs_no_page(shop, settings):
    settings.CACHES = {
        **settings.CACHES,
        "dead": {"BACKEND": f"{__name__}.DeadCache"},
    }
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CACHE": "dead"}
    walker = Walker()

    walker.buy(shop.mug)

    assert walker.shelves["product"]
    assert len(shop.orders()) == 1


def test_a_throttled_tracker_costs_no_page(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "EVENT_RATE": "1/min"}
    walker = Walker()
    walker.get(shop.mug.get_absolute_url())
    view = {"event": "view_item", "items": [{"item_id": str(shop.mug.pk)}]}

    answers = [
        walker.client.post(
            reverse("engagement:events"), {"events": [view]}, content_type="application/json"
        ).status_code
        for _ in range(3)
    ]
    walker.buy(shop.mug)

    assert answers[-1] == 429
    assert len(shop.orders()) == 1
