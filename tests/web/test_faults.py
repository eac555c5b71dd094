"""Something is broken; the page stands, the shelf falls back, the log says it once."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache.backends.base import BaseCache
from django.core.files.storage import storages
from django.db import OperationalError, connection
from django.utils import timezone

from engagement.adapters import ModelAdapter
from engagement.flows.serving import live
from engagement.models import Activation, EventName, Item, ModelArtifact
from tests.othershop.catalogue import make_event
from tests.serving import go_live, pairs
from tests.web.shelves import shelves

pytestmark = pytest.mark.urls("tests.web.pages")


class DeadCache(BaseCache):
    """Stands for a Redis that was stopped."""

    def __init__(self, name, params):
        super().__init__(params)

    def refuse(self, *args, **kwargs):
        raise ConnectionError("Connection refused")

    add = get = set = touch = delete = incr = get_many = set_many = refuse


class BrokenAdapter(ModelAdapter):
    """An adapter whose method named in ``broken`` raises."""

    broken = ""

    def __getattribute__(self, name):
        if name == type(self).broken:

            def fail(*args, **kwargs):
                raise RuntimeError(f"{name} is broken")

            return fail
        return super().__getattribute__(name)


def lines(caplog):
    return [record for record in caplog.records if record.name == "engagement"]


def files_of(artifact):
    storage = storages["engagement"]
    return sorted(path for path in Path(storage.path(artifact.path)).rglob("*") if path.is_file())


def test_a_dead_cache_costs_one_line(shop, browser, settings, caplog):
    settings.CACHES = {"default": {"BACKEND": "tests.web.test_faults.DeadCache"}}

    pages = [browser.get("/") for _ in range(3)]
    answer = browser.get("/engagement/recommendations/home.trending/")

    assert all(shelves(page)["home.trending"].keys[0] == "emma" for page in pages)
    assert answer.status_code == 200
    assert answer.json()["items"]
    assert len(lines(caplog)) == 1


class TestDatabase:
    @pytest.fixture
    def failing(self):
        """Make every query about a table fail, as a locked database does."""

        def fail(table):
            def wrapper(execute, sql, params, many, context):
                if table in sql:
                    raise OperationalError("database is locked")
                return execute(sql, params, many, context)

            return connection.execute_wrapper(wrapper)

        return fail

    def test_no_history_means_popular_items(self, shop, browser, did, failing, caplog):
        did(EventName.VIEW_ITEM, "dune")

        with failing("engagement_event"):
            pages = [browser.get("/") for _ in range(3)]

        assert all(page.status_code == 200 for page in pages)
        assert shelves(pages[0])["home.for_you"].keys[0] == "emma"
        assert len(lines(caplog)) == 1

    def test_no_poll_means_what_was_live(self, shop, browser, did, failing, caplog):
        did(EventName.VIEW_ITEM, "dune")
        browser.get("/")

        with failing("engagement_activation"):
            pages = [browser.get("/") for _ in range(3)]

        assert shelves(pages[-1])["home.for_you"].keys[0] == "ubik"
        assert len(lines(caplog)) == 1

    def test_nothing_at_all_means_a_page_without_shelves(self, shop, browser, failing, caplog):
        with failing("engagement_"):
            pages = [browser.get("/plain/emma/"), browser.get("/"), browser.get("/")]

        assert [page.status_code for page in pages] == [200, 200, 200]


class TestModelFiles:
    @pytest.fixture
    def artifact(self, shop):
        return ModelArtifact.objects.get(alias="trending")

    def test_a_deleted_model_is_replaced_by_best_sellers(self, artifact, browser, caplog):
        make_event(None, Item.objects.get(key="dune"), at=artifact.trained_at, event=10)
        for path in files_of(artifact):
            path.unlink()
        live.forget()

        pages = [browser.get("/") for _ in range(3)]

        assert shelves(pages[-1])["home.trending"].keys[0] == "dune"
        assert len(lines(caplog)) == 1

    def test_a_model_that_was_changed_on_the_way_is_refused(self, artifact, browser, caplog):
        make_event(None, Item.objects.get(key="dune"), at=artifact.trained_at, event=10)
        path = max(files_of(artifact), key=lambda one: one.stat().st_size)
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        live.forget()

        pages = [browser.get("/") for _ in range(3)]

        assert shelves(pages[-1])["home.trending"].keys[0] == "dune"
        assert len(lines(caplog)) == 1

    def test_the_previous_model_serves_until_the_new_one_can_be_read(
        self, shop, artifact, browser, caplog, at
    ):
        browser.get("/")
        newer = go_live("trending", pairs(shop, bias={"ubik": 9.0}), shop, at=at)
        for path in files_of(newer):
            path.unlink()

        assert shelves(browser.get("/"))["home.trending"].keys[0] == "emma"
        assert len(lines(caplog)) == 1

    def test_a_new_process_goes_back_to_the_model_before(self, shop, artifact, browser, at):
        newer = go_live("trending", pairs(shop, bias={"ubik": 9.0}), shop, at=at)
        for path in files_of(newer):
            path.unlink()
        live.forget()

        assert shelves(browser.get("/"))["home.trending"].keys[0] == "emma"

    def test_a_new_activation_is_served_by_the_next_page(self, shop, artifact, browser, at):
        assert shelves(browser.get("/"))["home.trending"].keys[0] == "emma"

        newer = go_live("trending", pairs(shop, bias={"ubik": 9.0}), shop, at=at)
        assert shelves(browser.get("/"))["home.trending"].keys[0] == "ubik"

        Activation.objects.create(
            alias="trending", artifact=artifact, activated_at=at + timedelta(hours=1)
        )
        assert newer.pk != artifact.pk
        assert shelves(browser.get("/"))["home.trending"].keys[0] == "emma"


class TestModel:
    def test_a_model_that_raises_is_passed_over(self, shop, browser, did, caplog, monkeypatch):
        did(EventName.VIEW_ITEM, "emma")
        browser.get("/")

        def score(histories):
            raise ValueError("broken")

        monkeypatch.setattr(live.live("", "for_you").recommender, "score", score)

        pages = [browser.get("/") for _ in range(3)]

        assert shelves(pages[-1])["home.for_you"].keys
        assert len(lines(caplog)) == 1

    def test_a_model_that_cannot_explain_still_recommends(
        self, shop, browser, did, caplog, monkeypatch
    ):
        did(EventName.VIEW_ITEM, "emma")
        browser.get("/")

        def explain(histories, column):
            raise ValueError("broken")

        monkeypatch.setattr(live.live("", "for_you").recommender, "explain", explain)

        assert shelves(browser.get("/"))["home.for_you"].keys[0] == "orlando"
        assert len(lines(caplog)) == 1


PAGES = ("/", "/engagement/recommendations/home.trending/")
ASKED = ("get_channel", "get_customer", "is_staff", "get_consent", "cart_keys")


@pytest.mark.parametrize(
    ("url", "method"),
    [
        *((url, method) for url in PAGES for method in ASKED),
        ("/", "card"),
        ("/", "resolve"),
        ("/engagement/recommendations/home.trending/", "on_sale"),
    ],
)
def test_a_broken_adapter_costs_at_most_the_shelves(
    method, url, shop, browser, settings, caplog, monkeypatch
):
    monkeypatch.setattr(BrokenAdapter, "broken", method)
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "ADAPTER": "tests.web.test_faults.BrokenAdapter",
    }

    pages = [browser.get(url) for _ in range(3)]

    assert [page.status_code for page in pages] == [200, 200, 200]
    if method not in ("resolve", "on_sale"):
        assert b"emma" in pages[-1].content
    # get_channel is asked for in two places.
    assert 1 <= len(lines(caplog)) <= 2


def test_a_broken_key_costs_only_its_shelf(shop, browser, settings, caplog, monkeypatch):
    monkeypatch.setattr(BrokenAdapter, "broken", "item_key")
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "ADAPTER": "tests.web.test_faults.BrokenAdapter",
    }

    assert browser.get("/books/emma/").status_code == 200
    assert lines(caplog)


@pytest.mark.django_db(transaction=True)
def test_many_threads_load_one_model_once(settings, monkeypatch, caplog):
    from tests.serving import shelve

    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "POLL_SECONDS": 60}
    items = shelve("Dune", "Emma")
    artifact = go_live("trending", pairs(items, bias={"emma": 1.0}), items, at=timezone.now())
    loads, found = [], []
    load = live._load
    monkeypatch.setattr(live, "_load", lambda pk: loads.append(pk) or load(pk))
    state = live.state()

    def ask():
        found.append(live.model("", "trending", state))
        connection.close()

    if connection.vendor == "sqlite":
        # Threads would each see another database in memory.
        served = live._load(artifact.pk)
        loads.clear()
        monkeypatch.setattr(live, "_load", lambda pk: loads.append(pk) or served)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(loads) == 1
    assert {one.artifact.pk for one in found} == {artifact.pk}
