"""`engagement_install` prints what docs/install-salesman.md says, for this very project."""

import ast
from io import StringIO

from django.apps import apps
from django.core.management import call_command
from django.urls import path

from tests.shops.installing import page

OURS = {"engagement.contrib.salesman", "rest_framework", "engagement"}
urlpatterns = [path("", lambda request: None)]


def printed():
    out = StringIO()
    call_command("engagement_install", stdout=out)
    return out.getvalue()


def code(text):
    """Return Python without its spaces and line breaks, comments left out."""
    return ast.unparse(ast.parse(text))


def test_a_project_that_followed_the_page_lacks_nothing():
    assert "Nothing is missing" in printed()


def test_a_project_that_has_done_nothing_is_told_what_the_page_says(settings, monkeypatch):
    installed = type(apps).is_installed
    # Salesman itself needs REST framework.
    monkeypatch.setattr(
        type(apps), "is_installed", lambda self, name: name not in OURS and installed(self, name)
    )
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "engagement" not in name]
    del settings.SALESMAN_BASKET_MODIFIERS
    settings.ENGAGEMENT = {}
    settings.ROOT_URLCONF = __name__
    steps = page.read("install-salesman.md")

    text = printed()

    commands = "\n".join(steps.commands)
    assert commands in text
    of_settings, addresses = text.split(commands)[0].split(f"# in {__name__}")
    assert code(of_settings.split("\n", 1)[1]) == code(steps.settings)
    told = addresses.split("\n", 1)[1].replace("from django.urls import include, path\n", "")
    assert code(told) == code(steps.addresses)


def test_modifiers_of_the_shop_stay(settings):
    settings.SALESMAN_BASKET_MODIFIERS = ["shop.modifiers.Delivery"]

    assert (
        'SALESMAN_BASKET_MODIFIERS = [*SALESMAN_BASKET_MODIFIERS, "engagement.contrib.salesman.'
        'modifiers.CampaignOffers"]' in printed()
    )
