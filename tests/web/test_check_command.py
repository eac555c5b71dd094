"""`engagement_check` says what is there and what to do about the rest."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from engagement.models import Event

pytestmark = pytest.mark.django_db


def told(*args):
    """Return the lines; a check that finds something says so by failing."""
    out = StringIO()
    try:
        call_command("engagement_check", *args, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_an_empty_shop_is_told_what_to_do():
    text = told()

    assert "!! events: none so far" in text
    assert "manage.py engagement_backfill" in text
    assert "want a look" in text


def test_cache_and_storage_are_tried():
    text = told()

    assert "ok cache: answers" in text
    assert "ok storage: answers" in text


def test_a_cache_that_is_none_is_found_out(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CACHE": "there-is-none"}

    assert "!! cache: does not answer" in told()


def test_shelves_of_a_page_are_named_and_nothing_is_recorded(demo, client):
    before = Event.objects.count()

    text = told("--page", "/no/such/page")

    assert "!! /no/such/page: answers 404" in text
    assert Event.objects.count() == before
