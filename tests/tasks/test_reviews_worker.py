"""Reviews in both languages, read by a real worker within seconds and settled by policy."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from engagement import tasks
from engagement.flows.reviews import submit, triage
from engagement.models import Review, ReviewAnalysis, Status
from engagement.tasks import Handed, enqueue
from tests.reviewing import book_item, reader
from tests.tasks.conftest import wait_until

pytestmark = [pytest.mark.redis, pytest.mark.postgresql, pytest.mark.services]

ANGRY = "等了两个星期才送到，包装全破了，打了三次客服电话都没人理。非常失望，不会再买了。"
HATEFUL = "You stupid idiots, this shop is run by filthy scum. Go and die, all of you."


def test_a_worker_reads_what_waits_within_seconds(worker, transactional_db):
    item = book_item("Dune")
    now = timezone.now()
    for name, body in (("wang", ANGRY), ("joe", HATEFUL)):
        submit.submit(
            {"rating": 1, "body": body}, author=reader(name), item=item, at=now, at_once=False
        )
    assert set(Review.objects.values_list("status", flat=True)) == {Status.PENDING}
    worker.start()

    assert enqueue(tasks.analyse) is Handed.QUEUED
    wait_until(lambda: not Review.objects.filter(status=Status.PENDING).exists(), "it reads them")

    angry, hateful = Review.objects.get(body=ANGRY), Review.objects.get(body=HATEFUL)
    assert (angry.status, hateful.status) == (Status.PUBLISHED, Status.HELD)
    assert set(ReviewAnalysis.objects.values_list("sentiment", flat=True)) == {"negative"}
    assert list(triage.to_answer(channel="", at=timezone.now())) == [angry]


N_WAITING = 300


def test_a_worker_killed_in_the_middle_of_a_backlog_leaves_nothing_behind_nor_reads_twice(
    worker, transactional_db
):
    moods = ("wonderful", "dreadful", "boring", "很好", "太差", "lovely")
    item, at = book_item("Dune"), timezone.now() - timedelta(days=1)
    Review.objects.bulk_create(
        Review(
            item=item,
            rating=1 + number % 5,
            body=f"A {moods[number % 6]} story, delivery {moods[number // 6 % 6]}, number {number}",
            created_at=at,
            updated_at=at,
        )
        for number in range(N_WAITING)
    )

    def rows():
        return ReviewAnalysis.objects.values_list("review", "sentiment", "score", "flags")

    worker.start()
    enqueue(tasks.analyse)
    wait_until(lambda: rows().exists(), "it begins to read")
    worker.kill()
    killed = {row[0]: row for row in rows()}
    # As late as it may be noticed, a batch is there whole or not at all.
    assert 0 < len(killed) < N_WAITING

    # The broker would hand it over again after an hour; the sweep does this within minutes.
    worker.start()
    enqueue(tasks.analyse)
    wait_until(lambda: rows().count() == N_WAITING, "another one reads what is left")
    undecided = Review.objects.filter(status=Status.PENDING)
    wait_until(lambda: not undecided.exists(), "and decides about all of them", 20)

    finally_ = {row[0]: row for row in rows()}
    assert len(finally_) == N_WAITING
    assert {pk: finally_[pk] for pk in killed} == killed
