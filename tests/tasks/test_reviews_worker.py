"""Reviews in both languages, read by a real worker within seconds and settled by policy."""

from __future__ import annotations

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
