"""A small headless shop on Salesman, as docs/install-salesman.md installs the app into one."""

import atexit
import os
import shutil
import tempfile

import dj_database_url

FOLDER = tempfile.mkdtemp(prefix="engagement-minisalesman-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "salesman.core",
    "salesman.basket",
    "salesman.checkout",
    "salesman.orders",
    "salesman.admin",
    "rest_framework",
    "tests.shops.minisalesman",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "tests.shops.minisalesman.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("SHOP_ATOMIC_REQUESTS") == "yes"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
MEDIA_ROOT = f"{FOLDER}/media"

SALESMAN_PRODUCT_TYPES = {
    "minisalesman.Book": "tests.shops.minisalesman.serializers.BookSerializer",
    "minisalesman.PhoneVariant": "tests.shops.minisalesman.serializers.PhoneVariantSerializer",
}
SALESMAN_BASKET_MODEL = "minisalesman.Basket"
SALESMAN_BASKET_ITEM_MODEL = "minisalesman.BasketItem"
SALESMAN_PAYMENT_METHODS = ["tests.shops.minisalesman.payment.PayInAdvance"]

if os.environ.get("SHOP_WITHOUT_ENGAGEMENT") != "yes":
    # -- the lines of docs/install-salesman.md ----------------------------------------------
    INSTALLED_APPS += ["engagement", "engagement.contrib.salesman"]
    MIDDLEWARE += ["engagement.middleware.VisitorMiddleware"]
    SALESMAN_BASKET_MODIFIERS = [
        "engagement.contrib.salesman.modifiers.CampaignOffers",
        "engagement.contrib.salesman.modifiers.PersonalDiscount",
    ]
    ENGAGEMENT = {
        "ADAPTER": "engagement.contrib.salesman.adapter.SalesmanAdapter",
        "CATALOGUE": [
            {
                "MODEL": "minisalesman.Book",
                "CATEGORY": "shelf",
                "AVAILABLE": {"is_sold_out": False},
                "URL": "https://shop.example/books/{pk}",
            },
            {
                "MODEL": "minisalesman.Phone",
                "VARIANTS": {"MODEL": "minisalesman.PhoneVariant", "PRODUCT": "phone"},
                "AVAILABLE": {"variants__stock__gt": 0},
            },
        ],
        "CURRENCY": "EUR",
        "CONSENT": "not_needed",
    }
