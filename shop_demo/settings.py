"""The demonstration shop; what a production site changes comes from the environment."""

import os
from pathlib import Path

import dj_database_url

from engagement.conf import DEFAULTS

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("SHOP_DEMO_VAR", BASE_DIR / "var"))
VAR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "for-the-demonstration-only")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["*"] if DEBUG else os.environ.get("ALLOWED_HOSTS", "localhost").split(",")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "engagement",
    "shop_demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shop_demo.middleware.ContentSecurityPolicyMiddleware",
    # While developing, runserver serves the static files itself.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "engagement.middleware.VisitorMiddleware",
]
ROOT_URLCONF = "shop_demo.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # The shop's look of the app's shelves, before the app's own templates.
        "DIRS": [BASE_DIR / "shop_demo" / "overrides"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop_demo.context_processors.shop",
            ]
        },
    }
]
WSGI_APPLICATION = "shop_demo.wsgi.application"
DATABASES = {
    "default": dj_database_url.parse(
        os.environ.get("DATABASE_URL", f"sqlite:///{VAR / 'shop.sqlite3'}"), conn_max_age=60
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers do not wait for the writer, and a second writer waits instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "shop_demo" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
MEDIA_ROOT = VAR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "engagement": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR / "models"},
    },
}
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "account"

ENGAGEMENT = {
    "ADAPTER": "shop_demo.adapter.DemoAdapter",
    "CURRENCY": "USD",
    # The banner asks; until somebody declines, shelves learn from this browser alone.
    "CONSENT": "opt_out",
    # The share of visitors who get nothing personal, so that the dashboard can say what it earns.
    "HOLDOUT_SHARE": float(os.environ.get("HOLDOUT_SHARE") or 0),
    "RECOMMENDERS": {
        **DEFAULTS["RECOMMENDERS"],
        # Everybody buys milk: a neighbour counts only where many households have both. Five
        # hundred neighbours, so that some are left of the product's own category.
        "similar": {
            "GROUP_BY": "visitor",
            "INPUT": "context",
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"n_neighbours": 500, "shrinkage": 400.0, "keep": "source"},
                }
            ],
        },
    },
}

# Without a broker, what a worker would do is done where it is asked for.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or None
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Redis hands a task to another worker after this long: longer than the longest one may take.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 4 * 60 * 60}
# Trainings take minutes: a process that is busy must not sit on more of them.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
