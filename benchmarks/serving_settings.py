"""The demonstration shop as a production site would run it, with one more address."""

import os

from shop_demo.settings import *  # noqa: F403

DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.serving_urls"
MIDDLEWARE = [one for one in MIDDLEWARE if "whitenoise" not in one]  # noqa: F405
if os.environ.get("CELERY_BROKER_URL", "").startswith("redis"):
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": os.environ["CELERY_BROKER_URL"],
        }
    }
ENGAGEMENT = {
    **ENGAGEMENT,  # noqa: F405
    # Counted as for anyone, and never reached.
    "RECOMMENDATION_RATE": "100000000/min",
    "CONSENT": "not_needed",
    # Zero: every shelf is ranked anew, as after an event of the visitor's.
    "SHELF_CACHE_SECONDS": int(os.environ.get("SHELF_CACHE_SECONDS", "300")),
}
