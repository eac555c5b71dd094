"""
Settings of the test suite: both shops installed, the bookshop of ``tests.othershop`` in charge.

``DATABASE_URL`` and ``CELERY_BROKER_URL`` point the same suite at real servers;
``python -m tests.services COMMAND`` starts both from pip packages and sets them.
"""

import atexit
import os
import shutil
import tempfile

import dj_database_url

from shop_demo.settings import *  # noqa: F403

# A process that a test starts is given its parent's folder.
BASE_TMP = os.environ.get("ENGAGEMENT_TESTS_FOLDER", "")
if not BASE_TMP:
    BASE_TMP = tempfile.mkdtemp(prefix="engagement-tests-")
    atexit.register(shutil.rmtree, BASE_TMP, ignore_errors=True)
SECRET_KEY = "tests"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = [*INSTALLED_APPS, "tests.othershop"]  # noqa: F405
ROOT_URLCONF = "tests.othershop.urls"
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A server's thread and the test share one cache in memory, where a reader would lock a writer
    # out at once, whatever the timeout.
    DATABASES["default"].setdefault("OPTIONS", {})["init_command"] = "PRAGMA read_uncommitted = 1"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
MEDIA_ROOT = BASE_TMP
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "engagement": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": f"{BASE_TMP}/models"},
    },
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CELERY_TASK_ALWAYS_EAGER = True
LANGUAGE_CODE = "en"

# The shop that the tests run in unless they ask for the demo (fixture ``demo``).
DEMO_ENGAGEMENT = ENGAGEMENT  # noqa: F405
DEMO_ROOT_URLCONF = "shop_demo.urls"
DEMO_TEMPLATES = TEMPLATES  # noqa: F405
TEMPLATES = [{**TEMPLATES[0], "DIRS": []}]  # noqa: F405
ENGAGEMENT = {
    "CATALOGUE": {
        "MODEL": "othershop.Book",
        "KEY": "slug",
        "TITLE": "name",
        "TEXT": "blurb",
        "CATEGORY": "genre.label",
        "PRICE": "price",
        "ACTIVE": {"published": True},
        "AVAILABLE": {"sold_out": False},
    },
    "ORDERS": {
        "MODEL": "othershop.Sale",
        "REF": "number",
        "CUSTOMER": "buyer_id",
        "PLACED_AT": "sold_at",
        "LINES": "lines",
        "ITEM": "book_id",
        "QUANTITY": "copies",
        "VALUE": "paid",
    },
    "CURRENCY": "EUR",
    "CONSENT": "not_needed",
    "EVENT_RATE": "100000/min",
    "POLL_SECONDS": 0,
    "MODEL_COPIES": f"{BASE_TMP}/copies",
}
