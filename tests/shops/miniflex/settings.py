"""A small headless shop on FlexCommerce, which the app knows by settings alone."""

import atexit
import os
import shutil
import tempfile

import dj_database_url
from flexcommerce import FLEXCOMMERCE_APPS

FOLDER = tempfile.mkdtemp(prefix="engagement-miniflex-")
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
    "rest_framework",
    *FLEXCOMMERCE_APPS,
    "tests.shops.miniflex",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "flexcommerce_cart.middleware.CartMiddleware",
]
ROOT_URLCONF = "tests.shops.miniflex.urls"
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
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

FLEXCOMMERCE = {
    "CURRENCY": "EUR",
    "THROTTLING_ENABLED": False,
    "CHECKOUT_REQUIRE_SHIPPING": False,
    "REVIEWS_REQUIRE_APPROVAL": True,
}

if os.environ.get("SHOP_WITHOUT_ENGAGEMENT") != "yes":
    # -- the lines of docs/adapters.md ------------------------------------------------------
    INSTALLED_APPS += ["engagement"]
    MIDDLEWARE += ["engagement.middleware.VisitorMiddleware"]
    ENGAGEMENT = {
        "CATALOGUE": {
            "MODEL": "flexcommerce_catalog.Product",
            "QUERYSET": "objects.active",
            "AVAILABLE": "in_stock",
            "VARIANTS": {"MODEL": "flexcommerce_catalog.ProductVariant", "PRODUCT": "product"},
            "TITLE": "name",
            "TEXT": "description",
            "PRICE": "min_price",
            "CATEGORY": "categories.first.name",
            "IMAGE": "images.first.get_url",
            "URL": "https://shop.example/products/{slug}",
            "ATTRIBUTES": {"brand": "brand.name"},
            "CHANGED_AT": "updated_at",
        },
        "ORDERS": {
            "MODEL": "flexcommerce_orders.Order",
            "REF": "order_number",
            "EMAIL": "email",
            "CURRENCY": "currency",
            "LINES": "items",
            "ITEM": "parent_product_id",
            "VARIANT": "object_id",
            "VALUE": "paid_line_total",
            "WHERE": {"confirmed_at__isnull": False},
            "CANCELLED": {"status__in": ["cancelled", "refunded"]},
        },
        "REVIEWS": {
            "MODEL": "flexcommerce_engagement.ProductReview",
            "ITEM": "product",
            "RATING": "rating",
            "TITLE": "title",
            "BODY": "body",
            "CUSTOMER": "user_id",
            "VERIFIED": "is_verified_purchase",
            "REPLY": "reply",
            "UPDATED_AT": "updated_at",
            "STATUS": ["is_approved", "is_rejected"],
            "STATUSES": {
                (False, False): "pending",
                (True, False): "published",
                (False, True): "rejected",
            },
            "CHANGED": "tests.shops.miniflex.receivers.review_changed",
        },
        "CART": "cart.items.product",
        "CURRENCY": "EUR",
        "CONSENT": "not_needed",
    }
