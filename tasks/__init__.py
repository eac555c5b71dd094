"""
The Celery application of the demonstration shop's deployment.

``celery -A tasks worker`` works, ``celery -A tasks beat`` keeps the schedule. A broker is named in
``CELERY_BROKER_URL``; without one the same work is done in the process that asks for it.
"""

from tasks.celery import app

__all__ = ["app"]
