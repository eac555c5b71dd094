from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_init
from threadpoolctl import threadpool_limits

from engagement.schedules import BEAT_SCHEDULE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_demo.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = BEAT_SCHEDULE


@worker_process_init.connect
def use_one_thread(**kwargs: Any) -> None:
    # The worker already runs as many processes as there are cores.
    threadpool_limits(1)
