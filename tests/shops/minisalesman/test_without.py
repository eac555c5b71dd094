"""The shop after the app was taken out of its settings: as if it had never been there."""

import pytest
from django.apps import apps
from django.test import Client
from salesman.core.utils import get_salesman_model

from tests.shops.minisalesman import seed


@pytest.mark.django_db(transaction=True)
def test_the_shop_works_without_the_app():
    assert not apps.is_installed("engagement")
    book = seed.make_book("Emma")
    client = Client()

    line = {"product_type": "minisalesman.Book", "product_id": book.pk}
    assert client.post("/shop/basket/", line).status_code == 201
    answer = client.post(
        "/shop/checkout/",
        {
            "email": "ann@example.org",
            "shipping_address": "1 Mill Lane",
            "billing_address": "1 Mill Lane",
            "payment_method": "pay-in-advance",
        },
    )

    assert answer.status_code == 201
    assert get_salesman_model("Order").objects.get().items.count() == 1


def test_no_table_of_the_shop_refers_to_ours():
    ours = [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation
        and field.related_model is not None
        and field.related_model.__module__.startswith("engagement")
    ]
    assert ours == []
