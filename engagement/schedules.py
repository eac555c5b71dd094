"""
When the work is done. A site merges this into its own schedule, in its settings::

    from engagement.schedules import BEAT_SCHEDULE

    CELERY_BEAT_SCHEDULE = {**BEAT_SCHEDULE}

Times are those of ``CELERY_TIMEZONE``; overwrite an entry to move it. A site without Celery has
``manage.py engagement_sweep`` called by cron instead.
"""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab

SWEEP_MINUTES = 15

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "engagement: mirror the catalogue": {
        "task": "engagement.sync_catalogue",
        "schedule": crontab(minute=10),
    },
    "engagement: train": {
        "task": "engagement.train_all",
        # When the fewest people shop, and before they start.
        "schedule": crontab(hour=3, minute=30),
    },
    "engagement: take up what was left lying": {
        "task": "engagement.sweep",
        "schedule": crontab(minute=f"*/{SWEEP_MINUTES}"),
        # A worker that was away for long sweeps once, not as often as it was missed.
        "options": {"expires": SWEEP_MINUTES * 60},
    },
    "engagement: forget what is too old": {
        "task": "engagement.purge_events",
        "schedule": crontab(hour=4, minute=40),
    },
}
