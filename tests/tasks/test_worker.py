"""A real Celery worker on a real Redis and PostgreSQL, and what becomes of work when it dies."""

import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from engagement import tasks
from engagement.flows.training import sweep
from engagement.models import Activation, EventName, ModelArtifact
from engagement.tasks import Handed, enqueue
from tests.othershop.catalogue import make_event, make_item
from tests.tasks.conftest import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.postgresql, pytest.mark.services]


@pytest.fixture
def readers(transactional_db):
    """Six weeks in which twenty readers bought one book or two each week, mostly Dune."""
    books = [make_item(title) for title in ("Dune", "Emma", "Ulysses")]
    now = timezone.now()
    for reader in range(20):
        for week in range(6):
            for book in books[: 1 + (reader + week) % 3]:
                at = now - timedelta(weeks=week, hours=reader + 1)
                make_event(f"reader-{reader}", book, at=at, event=EventName.PURCHASE)


def live():
    latest = Activation.objects.filter(alias="slow").order_by("-pk").first()
    return latest and latest.artifact_id


def trained():
    return ModelArtifact.objects.filter(alias="slow").count()


def train_here():
    tasks.train.apply(kwargs={"alias": "slow"}, throw=True)
    return live()


def test_a_worker_does_what_is_handed_over(worker, readers):
    worker.start()

    assert enqueue(tasks.train, alias="slow") is Handed.QUEUED

    wait_until(trained, "the worker trains")


def test_a_training_whose_process_is_killed_starts_again_and_changes_nothing_till_then(
    worker, readers, monkeypatch
):
    monkeypatch.setenv("ENGAGEMENT_TESTS_FOLDER", str(worker.folder))
    before = train_here()
    worker.fitting()
    worker.start()
    worker.hold()
    enqueue(tasks.train, alias="slow")

    for _ in range(2):
        worker.kill_child()
        assert (live(), trained()) == (before, 1)
    worker.fitting()
    worker.let_go()

    wait_until(lambda: trained() == 2, "the training comes back")


def test_a_task_that_kills_every_worker_is_given_up(worker, readers):
    worker.start()
    worker.hold()
    enqueue(tasks.train, alias="slow")

    for _ in range(1 + tasks.MAX_RETURNS):
        worker.kill_child()

    wait_until(lambda: b"left to the next sweep" in worker.log.read_bytes(), "it is given up")
    assert trained() == 0
    assert [due.alias for due in sweep.due(at=timezone.now())] == ["slow"]


def test_what_a_killed_worker_had_in_hand_is_found_by_the_next_sweep(worker, readers, monkeypatch):
    monkeypatch.setenv("ENGAGEMENT_TESTS_FOLDER", str(worker.folder))
    before = train_here()
    worker.fitting()
    long_ago = timezone.now() - timedelta(days=3)
    ModelArtifact.objects.update(trained_at=long_ago)
    worker.hold()

    for _ in range(3):
        worker.start()
        enqueue(tasks.sweep)
        worker.fitting()
        worker.kill()
        assert (live(), trained()) == (before, 1)

    worker.let_go()
    worker.start()
    enqueue(tasks.sweep)
    wait_until(lambda: trained() > 1, "the next sweep trains")


def test_a_training_in_the_shell_gives_way_to_the_workers_and_survives_being_killed(
    worker, readers
):
    command = [sys.executable, "manage.py", "engagement_train", "--alias", "slow"]
    worker.hold()
    killed = subprocess.Popen(
        command, env=worker.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    worker.fitting()

    worker.start()
    enqueue(tasks.train, alias="slow")
    wait_until(lambda: b"gives way" in worker.log.read_bytes(), "the worker gives way")

    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert trained() == 0
    worker.let_go()
    enqueue(tasks.train, alias="slow")
    wait_until(trained, "the worker trains")
