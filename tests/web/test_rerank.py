"""POST rerank/ and {% rerank %}."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import RequestFactory

from engagement.models import EventName
from engagement.shortcuts import rerank
from tests.othershop.models import Book

URL = "/engagement/rerank/"


def post(client, **body):
    return client.post(URL, body, content_type="application/json")


def test_the_list_comes_back_in_the_visitors_order(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")

    answer = post(browser, items=["dune", "ulysses", "orlando"], strength=0.9)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    body = answer.json()
    assert body["placement"] == "search.results"
    assert body["model_version"].startswith("for_you-")
    assert [(one["key"], one["rank"], one["was"]) for one in body["items"]] == [
        ("orlando", 1, 3),
        ("ulysses", 2, 2),
        ("dune", 3, 1),
    ]
    assert body["items"][0]["reasons"][0]["text"] == "Because you looked at Emma"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "items"),
        ({"items": "dune"}, "items"),
        ({"items": ["x"] * 501}, "items"),
        ({"items": ["x" * 200]}, "items"),
        ({"items": [], "strength": 2}, "strength"),
    ],
)
def test_what_cannot_be_read_is_named(shop, client, body, field):
    answer = client.post(URL, body, content_type="application/json")

    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_an_unknown_placement_is_not_found(shop, client):
    assert post(client, items=["dune"], placement="no.where").status_code == 404


def test_another_site_may_not_ask(shop, browser):
    answer = browser.post(
        URL,
        {"items": ["dune"]},
        content_type="application/json",
        headers={"origin": "https://elsewhere.example"},
    )

    assert answer.status_code == 403


def page(browser):
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    request.COOKIES.update({name: one.value for name, one in browser.cookies.items()})
    request.META["HTTP_USER_AGENT"] = "Mozilla/5.0 Firefox/140.0"
    return request


def test_a_template_shows_results_in_the_visitors_order(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    results = Book.objects.filter(slug__in=["dune", "ulysses", "orlando"]).order_by("slug")
    template = Template(
        "{% load engagement %}{% rerank results strength=0.9 as results %}"
        "{% for one in results %}{{ one.name }} {% endfor %}"
    )

    html = template.render(Context({"request": page(browser), "results": results}))

    assert html.split() == ["Orlando", "Ulysses", "Dune"]


def test_without_a_request_a_template_shows_the_shops_order(shop):
    template = Template("{% load engagement %}{% rerank results as found %}{{ found|join:' ' }}")

    assert template.render(Context({"results": ["ulysses", "dune"]})) == "ulysses dune"


def test_the_shops_code_gets_its_objects_back_each_as_often_as_it_was_given(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    dune, orlando = Book.objects.get(slug="dune"), Book.objects.get(slug="orlando")

    found = rerank([dune, orlando, dune, "nothing"], request=page(browser), strength=0.9)

    assert found == [orlando, dune, dune, "nothing"]
