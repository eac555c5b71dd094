"""The deployment's Celery application as it is, only quicker to start an interrupted task again."""

import django

django.setup()

from engagement import tasks as work  # noqa: E402
from tasks import app  # noqa: E402

work.RETURN_SECONDS = 0.1

__all__ = ["app"]
