"""health/ and metrics/."""

import pytest
from django.db import OperationalError, connection

from engagement.models import Activation
from tests.othershop.catalogue import make_reader

READY = "/engagement/health/ready/"


@pytest.fixture
def models(shop, settings):
    aliases = ("for_you", "similar", "bought_together", "trending")
    from engagement.conf import app_settings

    recommenders = {alias: app_settings.RECOMMENDERS[alias] for alias in aliases}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDERS": recommenders}


def test_a_process_that_answers_is_live(client):
    response = client.get("/engagement/health/live/")

    assert response.status_code == 200
    assert response.json() == {"status": "ok"}


def test_a_shop_with_its_models_is_ready(models, client):
    answer = client.get(READY).json()

    assert answer["status"] == "ok"
    assert answer["checks"] == {"database": "ok", "cache": "ok", "storage": "ok"}
    assert {model["alias"]: model["status"] for model in answer["models"]} == {
        "for_you": "ok",
        "similar": "ok",
        "bought_together": "ok",
        "trending": "ok",
    }
    assert answer["models"][0]["age_seconds"] > 0
    assert answer["models"][0]["model_version"].startswith("for_you-")


def test_a_missing_model_is_told_but_no_reason_to_stop(models, client):
    Activation.objects.filter(alias="similar").delete()

    response = client.get(READY)

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"
    assert {"similar": "missing"}.items() <= {
        model["alias"]: model["status"] for model in response.json()["models"]
    }.items()


def test_a_dead_cache_is_told_but_no_reason_to_stop(models, client, settings):
    settings.CACHES = {"default": {"BACKEND": "tests.web.test_faults.DeadCache"}}

    response = client.get(READY)

    assert response.status_code == 200
    assert response.json()["checks"]["cache"] == "ConnectionError"


def test_without_a_database_it_is_not_ready(models, client):
    def fail(execute, sql, params, many, context):
        raise OperationalError("could not connect to server at 10.0.0.7")

    with connection.execute_wrapper(fail):
        response = client.get(READY)

    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert "10.0.0.7" not in response.content.decode()


class TestMetrics:
    URL = "/engagement/metrics/"
    OUTSIDE = {"REMOTE_ADDR": "203.0.113.9"}

    def test_it_counts_shelves_by_what_filled_them(self, shop, client):
        client.get("/engagement/recommendations/home.trending/")

        text = client.get(self.URL).content.decode()

        labels = '{placement="home.trending",source="trending"}'
        assert f"engagement_shelves_total{labels}" in text
        assert 'engagement_recommend_seconds_count{placement="home.trending"}' in text

    def test_it_tells_the_age_of_each_live_model(self, shop, client):
        text = client.get(self.URL).content.decode()

        assert 'engagement_model_age_seconds{alias="trending",channel=""}' in text

    def test_it_counts_events(self, shop, client):
        from engagement.signals import events_recorded
        from tests.othershop.catalogue import make_event

        event = make_event("someone", shop[0], at=shop[0].created_at)
        events_recorded.send(sender=None, channel="", events=[event])

        assert 'engagement_events_total{event="view_item"}' in client.get(self.URL).content.decode()

    def test_strangers_may_not_read_it(self, db, client):
        assert client.get(self.URL, **self.OUTSIDE).status_code == 403

    def test_a_proxy_on_the_same_machine_does_not_open_it(self, db, client):
        response = client.get(self.URL, headers={"x-forwarded-for": "203.0.113.9"})

        assert response.status_code == 403

    def test_staff_may_read_it(self, db, client):
        user = make_reader("staff")
        user.is_staff = True
        user.save()
        client.force_login(user)

        assert client.get(self.URL, **self.OUTSIDE).status_code == 200

    def test_a_shop_may_open_it(self, db, client, settings):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "METRICS_PUBLIC": True}

        assert client.get(self.URL, **self.OUTSIDE).status_code == 200
