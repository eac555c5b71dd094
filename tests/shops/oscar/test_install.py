"""`engagement_install` prints what the page of the docs says, for this very project."""

import ast
from io import StringIO

from django.apps import apps
from django.core.management import call_command
from django.urls import path

from tests.shops.installing import page

OURS = {"engagement.contrib.oscar", "rest_framework", "engagement"}
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
    assert "stand before" not in printed()


def test_a_project_that_has_done_nothing_is_told_what_the_page_says(settings, monkeypatch):
    installed = type(apps).is_installed
    monkeypatch.setattr(
        type(apps), "is_installed", lambda self, name: name not in OURS and installed(self, name)
    )
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "engagement" not in name]
    settings.ENGAGEMENT = {}
    settings.ROOT_URLCONF = __name__
    steps = page.read()

    text = printed()

    commands = "\n".join(steps.commands)
    assert commands in text
    of_settings, addresses = text.split(commands)[0].split(f"# in {__name__}")
    currency = steps.settings.replace("OSCAR_DEFAULT_CURRENCY", '"EUR"')
    assert code(of_settings.split("\n", 1)[1]) == code(currency)
    told = addresses.split("\n", 1)[1].replace("from django.urls import include, path\n", "")
    assert code(told) == code(steps.addresses)


def test_templates_that_would_not_be_found_are_told(monkeypatch):
    configs = list(apps.get_app_configs())
    monkeypatch.setattr(type(apps), "get_app_configs", lambda self: reversed(configs))

    assert "has to stand before Oscar's own apps" in printed()
