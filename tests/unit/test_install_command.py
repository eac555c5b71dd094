"""`engagement_install` prints what is missing, and only that."""

from io import StringIO

import pytest
from django.core.management import call_command


def printed():
    out = StringIO()
    call_command("engagement_install", stdout=out)
    return out.getvalue()


def test_a_project_that_has_everything_is_told_so():
    assert "Nothing is missing" in printed()


def test_a_missing_middleware_is_named(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "engagement" not in name]

    assert 'MIDDLEWARE = [*MIDDLEWARE, "engagement.middleware.VisitorMiddleware"]' in printed()


@pytest.mark.urls("tests.unit.test_install_command")
def test_missing_addresses_are_named():
    assert 'include("engagement.urls")' in printed()


def test_a_shop_without_an_adapter_is_shown_how_to_name_its_models(settings):
    settings.ENGAGEMENT = {}

    assert '"CATALOGUE": {"MODEL": "shop.Product"' in printed()


urlpatterns = []
