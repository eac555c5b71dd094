"""A small shop on Oscar, as docs/install-oscar.md installs the app into one."""

import atexit
import os
import shutil
import tempfile

import oscar
from oscar.defaults import *  # noqa: F403

FOLDER = tempfile.mkdtemp(prefix="engagement-oscar-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
# Celery reads it by itself. No worker runs for this shop: its tasks are done where they are sent.
os.environ.pop("CELERY_BROKER_URL", None)

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]
SITE_ID = 1
USE_TZ = True
INSTALLED_APPS = [*oscar.INSTALLED_APPS, "easy_thumbnails"]
OSCAR_THUMBNAILER = "oscar.core.thumbnails.EasyThumbnails"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
ROOT_URLCONF = "tests.shops.minioscar.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.static",
                "django.template.context_processors.media",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "oscar.apps.search.context_processors.search_form",
                "oscar.apps.checkout.context_processors.checkout",
                "oscar.apps.communication.notifications.context_processors.notifications",
                "oscar.core.context_processors.metadata",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
HAYSTACK_CONNECTIONS = {
    "default": {
        "ENGINE": "haystack.backends.whoosh_backend.WhooshEngine",
        # In memory, its writers would share one folder with those of other processes.
        "PATH": f"{FOLDER}/whoosh",
    }
}
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
if os.environ.get("DATABASE_URL"):
    import dj_database_url

    DATABASES["default"] = dj_database_url.parse(os.environ["DATABASE_URL"])
DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("SHOP_ATOMIC_REQUESTS") == "yes"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
MEDIA_URL = "/media/"
MEDIA_ROOT = f"{FOLDER}/media"
OSCAR_DEFAULT_CURRENCY = "EUR"
OSCAR_INITIAL_ORDER_STATUS = "Pending"
OSCAR_INITIAL_LINE_STATUS = "Pending"
OSCAR_ALLOW_ANON_CHECKOUT = True
OSCAR_ALLOW_ANON_REVIEWS = True
OSCAR_MODERATE_REVIEWS = True
OSCAR_ORDER_STATUS_PIPELINE = {
    "Pending": ("Complete", "Cancelled"),
    "Complete": (),
    "Cancelled": (),
}
OSCAR_LINE_STATUS_PIPELINE = {"Pending": ("Cancelled", "Returned"), "Cancelled": (), "Returned": ()}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

if os.environ.get("SHOP_WITHOUT_ENGAGEMENT") != "yes":
    # -- the lines of docs/install-oscar.md -------------------------------------------------
    INSTALLED_APPS = [
        "engagement.contrib.oscar",
        "rest_framework",
        "engagement",
        *INSTALLED_APPS,
    ]
    MIDDLEWARE += ["engagement.middleware.VisitorMiddleware"]
    ENGAGEMENT = {
        "ADAPTER": "engagement.contrib.oscar.adapter.OscarAdapter",
        "CURRENCY": OSCAR_DEFAULT_CURRENCY,
        "CONSENT": "not_needed",
    }
