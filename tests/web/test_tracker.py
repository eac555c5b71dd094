"""The tag that loads the tracker; what the script does is tried in a browser (tests/browser)."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template

from engagement.templatetags import engagement as tags
from tests.othershop.models import Book


def draw(tag="{% engagement_tracker %}", **context):
    return Template("{% load engagement %}" + tag).render(Context(context)).strip()


def attributes(html):
    return dict(re.findall(r'([\w-]+)="([^"]*)"', html))


def test_the_script_knows_where_to_report_and_what_is_allowed(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in", "RESPECT_GPC": True}
    told = attributes(draw())

    assert told["data-events-url"] == "/engagement/events/"
    assert told["data-consent"] == "opt_in"
    assert told["data-consent-cookie"] == "engagement_consent"
    assert told["data-respect-gpc"] == "1"
    assert told["data-session-minutes"] == "30"
    assert told["src"].endswith("engagement/tracker.js")
    assert "data-view-item" not in told


def test_the_page_of_an_item_says_which():
    page = draw("{% engagement_tracker item=book %}", book=Book(slug="dune"))
    assert attributes(page)["data-view-item"] == "dune"

    page = draw("{% engagement_tracker item=book %}", book='"><script>')
    assert "<script>" not in page.removeprefix("<script ")


def test_nothing_stands_in_the_page_that_a_strict_policy_forbids():
    page = draw()

    assert page.startswith("<script src=")
    assert page.endswith("></script>")
    assert not re.search(r"\son\w+=", page)


def test_the_nonce_of_the_page_is_used(rf):
    assert attributes(draw(csp_nonce="abc"))["nonce"] == "abc"

    request = rf.get("/")
    request.csp_nonce = "def"
    assert attributes(draw(request=request))["nonce"] == "def"
    assert "nonce" not in draw()


def test_a_nonce_that_does_not_exist_until_it_is_asked_for_is_used():
    class Nonce:
        def __bool__(self):
            return False

        def __str__(self):
            return "lazy"

    assert attributes(draw(csp_nonce=Nonce()))["nonce"] == "lazy"


def test_the_tag_asks_nothing_about_the_visitor(rf, django_assert_num_queries, db):
    request = rf.get("/")
    with django_assert_num_queries(0):
        draw(request=request)

    assert not hasattr(request, "_engagement_identity")


def test_a_page_stands_without_the_apps_addresses(settings, caplog):
    settings.ROOT_URLCONF = "tests.web.no_urls"

    assert draw() == ""
    assert "tracker" in caplog.text
    assert tags.engagement_tracker(Context({})) == {}


def test_the_script_is_a_script():
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine; the browser tests run the script")
    path = finders.find("engagement/tracker.js")

    done = subprocess.run([node, "--check", path], capture_output=True, text=True, check=False)
    assert done.stderr == ""
