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
REFRESH_MINUTES = 60
LEARN_MINUTES = 5

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
    "engagement: refresh": {
        "task": "engagement.refresh_all",
        "schedule": crontab(minute=40),
        "options": {"expires": REFRESH_MINUTES * 60},
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
    "engagement: train the classifiers": {
        "task": "engagement.train_classifiers",
        "schedule": crontab(hour=2, minute=20, day_of_week="sunday"),
    },
    "engagement: count what customers say": {
        "task": "engagement.understand_all",
        "schedule": crontab(hour=5, minute=10),
    },
    "engagement: learn what to offer": {
        "task": "engagement.learn_policies",
        "schedule": crontab(minute=f"*/{LEARN_MINUTES}"),
        "options": {"expires": LEARN_MINUTES * 60},
    },
    "engagement: make the figures": {
        "task": "engagement.make_metrics",
        "schedule": crontab(minute=25),
        "options": {"expires": REFRESH_MINUTES * 60},
    },
    "engagement: make the profiles": {
        "task": "engagement.make_profiles",
        # After the figures, which they are made of.
        "schedule": crontab(minute=35),
        "options": {"expires": REFRESH_MINUTES * 60},
    },
}
