import os
import signal
import subprocess
import sys
import threading

import pytest
from django.db import connection

from engagement.flows.locks import AlreadyRunning, lock

pytestmark = pytest.mark.django_db

HOLD = """
import sys, time
import django
django.setup()
from engagement.flows.locks import AlreadyRunning, lock
try:
    with lock(sys.argv[1], seconds=float(sys.argv[2])):
        print("held", flush=True)
        sys.stdin.readline()
except AlreadyRunning:
    print("refused", flush=True)
"""


@pytest.fixture
def hold(tmp_path):
    """Start another process that asks for a lock; it keeps it until its input ends."""
    database = f"sqlite:///{tmp_path / 'shop.sqlite3'}"
    if connection.vendor == "postgresql":
        own = connection.settings_dict
        database = os.environ["DATABASE_URL"].rpartition("/")[0] + "/" + own["NAME"]
    started = []

    def hold(name, *, seconds=60):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, name, str(seconds)],
            env={
                **os.environ,
                "DATABASE_URL": database,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "ENGAGEMENT_TESTS_FOLDER": str(tmp_path),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        process.answer = process.stdout.readline().strip()
        return process

    yield hold
    for process in started:
        process.kill()
        process.communicate()


def test_a_lock_is_held_by_one_and_given_back():
    with (
        lock("train", seconds=60),
        pytest.raises(AlreadyRunning, match="train"),
        lock("train", seconds=60),
    ):
        pytest.fail("two hold the same lock")

    with lock("train", seconds=60):
        pass


def test_locks_of_different_names_do_not_meet():
    with lock("train:for_you", seconds=60), lock("train:similar", seconds=60):
        pass


def test_a_lock_is_given_back_when_the_work_fails():
    with pytest.raises(ZeroDivisionError), lock("train", seconds=60):
        raise ZeroDivisionError

    with lock("train", seconds=60):
        pass


def test_a_refused_one_leaves_the_lock_to_its_holder():
    with lock("train", seconds=60):
        for _ in range(2):
            with pytest.raises(AlreadyRunning), lock("train", seconds=60):
                pass


def test_threads_of_one_process_exclude_each_other():
    answers = []

    def ask():
        try:
            with lock("train", seconds=60):
                answers.append("held")
        except AlreadyRunning:
            answers.append("refused")
        finally:
            connection.close()

    with lock("train", seconds=60):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert answers == ["refused"]


@pytest.mark.services
def test_two_processes_exclude_each_other(hold):
    first = hold("train")
    second = hold("train")
    assert (first.answer, second.answer) == ("held", "refused")

    first.communicate("\n")
    assert hold("train").answer == "held"


@pytest.mark.services
def test_a_killed_holder_leaves_no_lock_behind(hold):
    for _ in range(2):
        holder = hold("train", seconds=86_400)
        assert holder.answer == "held"
        holder.send_signal(signal.SIGKILL)
        holder.wait()

    assert hold("train").answer == "held"


@pytest.mark.services
def test_a_holder_that_is_stuck_loses_the_lock_when_its_time_is_over(hold):
    # Long enough for a busy machine to come to the lock at all.
    stuck = hold("train", seconds=0.5)
    assert stuck.answer == "held"

    # PostgreSQL takes a moment to hang up on it.
    for _ in range(20):
        other = hold("train")
        if other.answer == "held":
            break
    assert other.answer == "held"

    # When the first one wakes up, the lock stays with the second.
    stuck.communicate("\n")
    assert hold("train").answer == "refused"


def test_no_file_stays_behind_but_the_guard(hold, tmp_path):
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL needs no files")
    holder = hold("train")
    holder.communicate("\n")

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [
        ".engagement.lock"
    ]
