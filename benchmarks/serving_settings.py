"""The demonstration shop as a production site would run it, with one more address."""

from shop_demo.settings import *  # noqa: F403

DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "benchmarks.serving_urls"
MIDDLEWARE = [one for one in MIDDLEWARE if "whitenoise" not in one]  # noqa: F405
ENGAGEMENT = {**ENGAGEMENT, "RECOMMENDATION_RATE": "", "CONSENT": "not_needed"}  # noqa: F405
