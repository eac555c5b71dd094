import logging
import socket

import pytest
from celery import current_app

from engagement import tasks
from engagement.models import Item
from engagement.schedules import BEAT_SCHEDULE
from engagement.tasks import Handed, enqueue
from tests.services import free_port, listens, redis
from tests.tasks.conftest import wait_until


@pytest.fixture
def broker_at(monkeypatch):
    """Name a broker, whether or not there is one."""
    conf = current_app.conf
    before = {name: conf[name] for name in ("broker_url", "task_always_eager")}

    def name(url):
        # Celery looks into the environment first.
        monkeypatch.setenv("CELERY_BROKER_URL", url or "")
        conf.update(broker_url=url, task_always_eager=False)
        current_app.pool.force_close_all()

    yield name
    conf.update(before)


def test_without_a_broker_the_work_is_done_here(broker_at, books):
    broker_at(None)

    assert enqueue(tasks.sync_catalogue) is Handed.DONE
    assert set(Item.objects.values_list("key", flat=True)) == {"dune", "emma", "ulysses"}


def test_a_broker_that_is_down_costs_a_line_in_the_log(broker_at, caplog):
    broker_at(f"redis://127.0.0.1:{free_port()}/0")

    with caplog.at_level(logging.WARNING, logger="engagement.tasks"):
        assert [enqueue(tasks.train_all) for _ in range(50)] == [Handed.LOST] * 50

    assert [record.message for record in caplog.records if "broker" in record.message] == [
        caplog.records[0].message
    ]
    assert "engagement.train_all is left to the sweep" in caplog.text


def test_a_broker_that_never_answers_is_not_waited_for(broker_at):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        broker_at(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")

        assert enqueue(tasks.train_all) is Handed.LOST


def test_rabbitmq_that_is_down_is_not_waited_for_either(broker_at):
    broker_at(f"amqp://guest:guest@127.0.0.1:{free_port()}//")

    assert enqueue(tasks.train_all) is Handed.LOST


@pytest.mark.redis
@pytest.mark.services
def test_a_broker_that_stops_and_comes_back(broker_at):
    with redis() as url:
        broker_at(url)
        assert enqueue(tasks.train_all) is Handed.QUEUED
    port = int(url.rpartition(":")[2].partition("/")[0])
    wait_until(lambda: not listens(port), "Redis stops")
    assert enqueue(tasks.train_all) is Handed.LOST

    with redis() as url:
        broker_at(url)
        assert enqueue(tasks.train_all) is Handed.LOST  # nobody asks again at once
        tasks.forget()
        assert enqueue(tasks.train_all) is Handed.QUEUED


def test_the_deployment_keeps_the_schedule():
    from tasks import app

    assert app.conf.beat_schedule == BEAT_SCHEDULE


@pytest.mark.parametrize("entry", BEAT_SCHEDULE.values(), ids=lambda entry: entry["task"])
def test_what_is_scheduled_exists_and_can_be_called_like_that(entry, db):
    task = current_app.tasks[entry["task"]]

    task.apply(kwargs=entry.get("kwargs", {}), throw=True)


def test_an_old_worker_survives_a_newer_caller(db):
    tasks.purge_events.apply(kwargs={"invented_later": True}, throw=True)


# Sorted: Celery keeps tasks in no order, and two test processes must agree on one.
@pytest.mark.parametrize(
    "name", sorted(name for name in current_app.tasks if "engagement." in name)
)
def test_a_task_is_confirmed_when_it_is_done_and_has_an_end(name):
    task = current_app.tasks[name]

    assert task.acks_late
    assert task.reject_on_worker_lost
    assert task.ignore_result
    assert task.soft_time_limit < task.time_limit
