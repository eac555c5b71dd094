"""What breaks around a headless shop, and what must go on all the same."""

import pytest
from celery import current_app
from django.db import DatabaseError

from engagement.flows.collecting import ingest
from tests.services import free_port

QUESTIONS = (
    "card",
    "cart_keys",
    "get_channel",
    "get_consent",
    "get_customer",
    "is_staff",
    "item_key",
    "on_sale",
    "order_data",
    "resolve",
    "reviews",
    "variant_id",
)


def break_adapter(monkeypatch, adapter, question):
    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(adapter, question, fail)


def break_database(monkeypatch):
    """Have what a receiver leads to fail as PostgreSQL would."""

    def fail(*args, **kwargs):
        raise DatabaseError("gone")

    monkeypatch.setattr(ingest, "ingest", fail)


@pytest.fixture
def dead_broker(monkeypatch, settings):
    """A broker that is not there, and a shop that leaves reading reviews to its worker."""
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_AT_ONCE": False}
    conf = current_app.conf
    before = {name: conf[name] for name in ("broker_url", "task_always_eager")}
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    # Celery looks into the environment first.
    monkeypatch.setenv("CELERY_BROKER_URL", nowhere)
    conf.update(broker_url=nowhere, task_always_eager=False)
    current_app.pool.force_close_all()
    yield
    conf.update(before)
