"""The question for consent: asked once, answered with or without scripts, taken back any time."""

from __future__ import annotations

import json
import re

import pytest
from django.template import Context, Template
from django.test import Client

from engagement.flows.collecting.identity import customer_key
from engagement.models import Event, Item, Visitor

URL = "/engagement/consent/"
EVENTS = "/engagement/events/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _opt_in(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}


@pytest.fixture
def dune():
    return Item.objects.create(external_id="dune", title="Dune")


def answer(client, value, **headers):
    body = json.dumps({"consent": value})
    return client.post(URL, body, content_type="application/json", headers=headers)


def view(client):
    body = json.dumps([{"event": "view_item", "items": ["dune"]}])
    return client.post(EVENTS, body, content_type="application/json").json()


def draw(rf, tag="{% engagement_consent %}", cookies=(), **context):
    request = rf.get("/books/?page=2")
    request.COOKIES.update(cookies)
    template = Template("{% load engagement %}" + tag)
    return template.render(Context({"request": request, "csrf_token": "TOKEN", **context}))


# -- the answer ---------------------------------------------------------------------------------


def test_agreeing_starts_the_record(client, dune):
    assert view(client)["accepted"] == 0
    body = answer(client, True)

    assert body.json() == {"consent": True, "is_asked": False, "is_stored": True}
    assert view(client)["accepted"] == 1
    assert Visitor.objects.get().consent is True


def test_scripts_can_read_the_answer_but_not_the_visitor(client):
    cookies = answer(client, True).cookies

    assert cookies["engagement_consent"].value == "yes"
    assert not cookies["engagement_consent"]["httponly"]
    assert cookies["engagement_visitor"]["httponly"]


def test_taking_it_back_deletes_and_stops(client, dune):
    answer(client, True)
    view(client)
    body = answer(client, False)

    assert body.cookies["engagement_consent"].value == "no"
    assert body.cookies["engagement_visitor"].value == ""
    assert not Event.objects.exists()
    assert not Visitor.objects.exists()
    assert view(client)["accepted"] == 0


def test_a_customers_answer_is_kept_with_the_customer(client, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    client.force_login(ada)
    answer(client, True)
    customer = Visitor.objects.get(key=customer_key(str(ada.pk), ""))
    assert customer.consent is True

    answer(client, False)
    customer.refresh_from_db()
    assert customer.consent is False


def test_the_answer_can_be_read(client):
    assert client.get(URL).json() == {"consent": None, "is_asked": True, "is_stored": False}

    answer(client, True)
    reply = client.get(URL)
    assert reply.json() == {"consent": True, "is_asked": False, "is_stored": True}
    assert "no-store" in reply["Cache-Control"]


def test_reading_sets_no_cookie(client):
    assert not client.get(URL).cookies


@pytest.mark.parametrize("value", [None, "perhaps", [], {}, 7])
def test_an_answer_is_yes_or_no(client, value):
    reply = answer(client, value)

    assert reply.status_code == 400
    assert "consent" in reply.json()
    assert not reply.cookies


def test_another_site_cannot_answer(client):
    assert answer(client, True, Origin="https://evil.example").status_code == 403
    assert not Visitor.objects.exists()


# -- the form -----------------------------------------------------------------------------------


def test_the_form_goes_back_to_its_page(client):
    reply = client.post(URL, {"consent": "yes", "next": "/books/?page=2"})

    assert (reply.status_code, reply["Location"]) == (303, "/books/?page=2")
    assert reply.cookies["engagement_consent"].value == "yes"


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""]
)
def test_the_form_goes_nowhere_else(client, next_page):
    reply = client.post(URL, {"consent": "no", "next": next_page})

    assert (reply.status_code, reply["Location"]) == (303, "/")


def test_the_form_without_an_answer_is_no_answer(client):
    reply = client.post(URL, {"next": "/"})

    assert reply.status_code == 400
    assert not reply.cookies


def test_the_form_needs_its_token():
    client = Client(enforce_csrf_checks=True)
    assert client.post(URL, {"consent": "yes"}).status_code == 403

    client.cookies["csrftoken"] = "x" * 32
    data = {"consent": "yes", "csrfmiddlewaretoken": "x" * 32}
    assert client.post(URL, data).status_code == 303


def test_the_form_of_a_real_page_is_accepted(rf, dune):
    client = Client(enforce_csrf_checks=True)
    from django.middleware.csrf import get_token

    request = rf.get("/")
    token = get_token(request)
    page = draw(rf, csrf_token=token)
    client.cookies["csrftoken"] = request.META["CSRF_COOKIE"]
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))

    reply = client.post(URL, {**fields, "consent": "yes"})
    assert (reply.status_code, reply["Location"]) == (303, "/books/?page=2")


# -- the question -------------------------------------------------------------------------------


def test_the_question_is_asked_until_it_is_answered(rf):
    page = draw(rf)
    assert f'action="{URL}"' in page
    assert 'method="post"' in page
    assert "TOKEN" in page
    assert 'value="yes"' in page
    assert 'value="no"' in page

    assert draw(rf, cookies={"engagement_consent": "yes"}).strip() == ""
    assert draw(rf, cookies={"engagement_consent": "no"}).strip() == ""


def test_the_question_has_a_name_for_those_who_cannot_see_it(rf):
    page = draw(rf)

    label = re.search(r'aria-labelledby="([^"]+)"', page).group(1)
    assert f'id="{label}"' in page


def test_both_questions_may_stand_on_one_page(rf):
    page = draw(rf, "{% engagement_consent %}{% engagement_consent always=True %}")
    ids = re.findall(r' id="([^"]+)"', page)

    assert len(ids) == len(set(ids)) == 2


def test_where_it_is_not_needed_nothing_is_asked(rf, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "not_needed"}

    assert draw(rf).strip() == ""


@pytest.mark.parametrize(
    ("cookies", "words"),
    [
        ({}, "not answered"),
        ({"engagement_consent": "yes"}, "have agreed"),
        ({"engagement_consent": "no"}, "have declined"),
    ],
)
def test_the_answer_can_be_changed_on_a_page_of_its_own(rf, cookies, words):
    page = draw(rf, "{% engagement_consent always=True %}", cookies)

    assert words in page
    assert "data-engagement-keep" in page


def test_a_template_without_a_request_stays_empty():
    template = Template("{% load engagement %}{% engagement_consent %}")

    assert template.render(Context({})).strip() == ""


def test_the_address_of_the_page_cannot_break_out_of_the_form(rf):
    request = rf.get('/books/?q="><script>alert(1)</script>')
    template = Template("{% load engagement %}{% engagement_consent %}")
    page = template.render(Context({"request": request}))

    assert "<script>" not in page
