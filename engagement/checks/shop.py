"""The adapter, and the models that settings name for it."""

from __future__ import annotations

from django.core.checks import Error
from django.utils.module_loading import import_string

from engagement.adapters import ModelAdapter, ShopAdapter
from engagement.checks import catalogue, named, orders
from engagement.checks.hints import Messages
from engagement.conf import app_settings


def adapter() -> Messages:
    path = app_settings.ADAPTER
    try:
        answers = import_string(path)()
    except Exception as error:
        yield Error(
            f"The adapter {path!r} cannot be built: {error}.",
            hint="ENGAGEMENT['ADAPTER'] is the dotted path of a class without arguments.",
            id="engagement.E002",
        )
        return
    if not isinstance(answers, ShopAdapter):
        yield Error(
            f"The adapter {path!r} is not a ShopAdapter.",
            hint="Subclass engagement.adapters.ShopAdapter: what it does not override is safe.",
            id="engagement.E002",
        )
    elif type(answers).resolve is ShopAdapter.resolve:
        yield Error(
            f"The adapter {path!r} has no method resolve().",
            hint="Without it no shelf can show the shop's products.",
            id="engagement.E002",
        )
    elif isinstance(answers, ModelAdapter):
        yield from _named(answers)


def discount() -> Messages:
    yield from named.function("['BASKET_DISCOUNT']", app_settings.BASKET_DISCOUNT)


def _named(answers: ModelAdapter) -> Messages:
    """Check the names that the adapter goes by, not those that it has answers of its own for."""
    if type(answers).resolve is ModelAdapter.resolve:
        yield from catalogue.catalogues(answers.catalogue_settings())
    if type(answers).iter_orders is ModelAdapter.iter_orders:
        yield from orders.orders(app_settings.ORDERS)
    if type(answers).get_customer is ModelAdapter.get_customer:
        yield from named.of_request("CUSTOMER", app_settings.CUSTOMER)
    if type(answers).cart_keys is ModelAdapter.cart_keys:
        yield from named.of_request("CART", app_settings.CART)
