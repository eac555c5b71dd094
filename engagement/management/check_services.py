"""Whether worker, cache and storage answer, and what to do if not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from celery import current_app
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.files.storage import InvalidStorageError, default_storage, storages

from engagement.conf import app_settings
from engagement.management.findings import Finding

WITHOUT_WORKER = "Start one, or have cron call manage.py engagement_sweep instead."
WITHOUT_CACHE = "Shelves are drawn all the same, only slower: see CACHES in the settings."
WITHOUT_STORAGE = "Models cannot be kept: see STORAGES in the settings, and who may write there."


def services() -> Iterator[Finding]:
    yield _worker()
    yield _cache()
    yield _storage()


def _worker() -> Finding:
    if current_app.conf.task_always_eager:
        return Finding("worker", "none needed: tasks run in the process that asks")
    if not current_app.conf.broker_url:
        return Finding("worker", "no broker: cron has to call manage.py engagement_sweep")
    try:
        answers = current_app.control.ping(timeout=1.0)
    except Exception as error:
        return Finding("worker", f"the broker does not answer: {error}"[:200], WITHOUT_WORKER)
    if not answers:
        return Finding("worker", "no worker answers", WITHOUT_WORKER)
    return Finding("worker", f"{len(answers)} answer")


def _cache() -> Finding:
    token = uuid.uuid4().hex
    try:
        cache = caches[app_settings.CACHE]
        cache.set("engagement:check", token, 10)
        kept = cache.get("engagement:check") == token
    except Exception as error:
        return Finding("cache", f"does not answer: {error}"[:200], WITHOUT_CACHE)
    return Finding("cache", "answers") if kept else Finding("cache", "forgets", WITHOUT_CACHE)


def _storage() -> Finding:
    try:
        try:
            storage = storages[app_settings.STORAGE]
        except InvalidStorageError:
            storage = default_storage
        name = storage.save(f"engagement-check-{uuid.uuid4().hex}", ContentFile(b"check"))
        try:
            with storage.open(name) as file:
                kept = file.read() == b"check"
        finally:
            storage.delete(name)
    except Exception as error:
        return Finding("storage", f"does not answer: {error}"[:200], WITHOUT_STORAGE)
    if not kept:
        return Finding("storage", "gives back something else", WITHOUT_STORAGE)
    return Finding("storage", "answers")
