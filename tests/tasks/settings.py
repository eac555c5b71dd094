"""Settings of a real worker process: nothing eager, and a model whose training can be held up."""

from tests.settings import *  # noqa: F403

CELERY_TASK_ALWAYS_EAGER = False

RECOMMENDERS = {
    "slow": {
        "GROUP_BY": "visitor",
        "INPUT": "nothing",
        "CANDIDATES": [{"BACKEND": "tests.tasks.slow.Slow", "OPTIONS": {"window_days": 28.0}}],
    }
}
ENGAGEMENT = {**ENGAGEMENT, "RECOMMENDERS": RECOMMENDERS, "HOLDOUT_DAYS": 7}  # noqa: F405
