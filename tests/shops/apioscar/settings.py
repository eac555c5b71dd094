"""The small shop with django-oscar-api beside its pages."""

from tests.shops.minioscar.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "oscarapi"]  # noqa: F405
MIDDLEWARE = [
    name.replace("oscar.apps.basket.middleware.Basket", "oscarapi.middleware.ApiBasket").replace(
        "ApiBasketMiddleware", "ApiBasketMiddleWare"
    )
    for name in MIDDLEWARE  # noqa: F405
]
ROOT_URLCONF = "tests.shops.apioscar.urls"
