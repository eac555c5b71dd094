"""The shop after the app was taken out of its settings: as if it had never been there."""

import pytest
from django.apps import apps
from django.test import Client
from flexcommerce_orders.models import Order

from tests.shops.miniflex import seed

HOME = {"line1": "1 Mill Lane", "city": "Lagos", "state": "Lagos", "country": "Nigeria"}


@pytest.mark.django_db(transaction=True)
def test_the_shop_works_without_the_app():
    assert not apps.is_installed("engagement")
    variant = seed.make_product("Mug").variants.get()
    client = Client()

    def ask(path, data):
        response = client.post(path, data, content_type="application/json")
        assert response.status_code < 300, (path, response.content)

    ask("/api/recently-viewed/track/", {"product_id": str(variant.product_id)})
    ask("/api/cart/add/", {"product_id": str(variant.pk)})
    names = {"first_name": "Ann", "last_name": "Smith", "phone": "+2348012345678"}
    ask(
        "/api/checkout/",
        {
            "payment_method": "pay_on_delivery",
            "email": "ann@example.org",
            "shipping_address": HOME | names,
        },
    )

    assert Order.objects.get().items.count() == 1
