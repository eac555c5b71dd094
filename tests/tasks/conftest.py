from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import redis
from celery import current_app
from django.conf import settings as django_settings
from django.db import connection


def wait_until(is_so, what, seconds=60):
    """Return what ``is_so`` answers as soon as it is true of anything."""
    limit = time.monotonic() + seconds
    while not (answer := is_so()):
        assert time.monotonic() < limit, f"It did not happen: {what}"
        time.sleep(0.05)
    return answer


class Worker:
    """A Celery worker of one process, on this test's own database, broker and folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.log = folder / "worker.log"
        self.environment = environment
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tests.tasks.app", "worker"]
        command += ["--concurrency", "1", "--loglevel", "INFO", "--without-gossip"]
        command += ["--without-mingle", "--without-heartbeat"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(lambda: b" ready." in self.log.read_bytes(), "the worker starts")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> None:
        """What a machine that runs out of memory does: no goodbye, to parent or child."""
        for process in [*self.children(), psutil.Process(self.process.pid)]:
            process.kill()
        self.process.wait()

    def kill_child(self) -> None:
        fitting = self.fitting()
        os.kill(fitting, signal.SIGKILL)
        wait_until(lambda: not psutil.pid_exists(fitting), "the child is gone")

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    # -- the model that can be held up ----------------------------------------------------
    def hold(self) -> None:
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        (self.folder / "hold").unlink()

    def fitting(self) -> int:
        """Wait until a training is under way; return the process that does it."""
        marks = wait_until(lambda: list(self.folder.glob("fitting-*")), "a training starts")
        for mark in marks:
            mark.unlink()
        return int(marks[-1].name.rpartition("-")[2])


@pytest.fixture
def broker(monkeypatch):
    """Let this process hand over work to a real broker with nothing in it."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    url = os.environ["CELERY_BROKER_URL"].rpartition("/")[0] + f"/{number}"
    redis.from_url(url).flushdb()
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    eager = current_app.conf.task_always_eager
    current_app.conf.task_always_eager = False
    yield url
    current_app.conf.task_always_eager = eager


@pytest.fixture
def worker(broker, transactional_db, settings):
    from tests.tasks.settings import ENGAGEMENT

    settings.ENGAGEMENT = ENGAGEMENT
    folder = Path(django_settings.BASE_TMP) / f"worker-{time.monotonic_ns()}"
    folder.mkdir()
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": folder / "models"},
        },
    }
    server = os.environ["DATABASE_URL"].rpartition("/")[0]
    worker = Worker(
        folder,
        {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.tasks.settings",
            "DATABASE_URL": f"{server}/{connection.settings_dict['NAME']}",
            "CELERY_BROKER_URL": broker,
            "ENGAGEMENT_TESTS_FOLDER": str(folder),
        },
    )
    yield worker
    worker.stop()
