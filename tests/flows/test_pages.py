"""A process learns which shelves a page shows, so that it prepares no others."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.urls import resolve

from engagement.flows.serving import pages
from engagement.flows.serving.visit import Visit


@pytest.fixture
def visit(at):
    request = RequestFactory().get("/engagement/schema/")
    request.resolver_match = resolve("/engagement/schema/")
    return Visit(None, at=at, request=request)


def test_what_was_shown_before_is_prepared(visit):
    assert pages.shown_with(visit, "home", "home.for_you", 6, is_first=True) == {"home.for_you": 6}
    pages.shown_with(visit, "home", "home.trending", 3, is_first=False)

    assert pages.shown_with(visit, "home", "home.for_you", 6, is_first=True) == {
        "home.for_you": 6,
        "home.trending": 3,
    }


def test_what_pages_leave_out_for_long_is_forgotten(visit):
    pages.shown_with(visit, "home", "home.trending", 3, is_first=True)
    for _ in range(pages.PATIENCE + 1):
        shown = pages.shown_with(visit, "home", "home.for_you", 6, is_first=True)

    assert shown == {"home.for_you": 6}


def test_each_kind_of_page_has_its_own_shelves(visit, at):
    pages.shown_with(visit, "home", "home.trending", 3, is_first=True)
    elsewhere = Visit(None, at=at, request=RequestFactory().get("/other/"))

    assert pages.shown_with(elsewhere, "home", "home.for_you", 6, is_first=True) == {
        "home.for_you": 6
    }
