"""GET recommendations/<placement>/."""

import base64

import pytest
from django.contrib.auth.models import Permission

from engagement.flows.collecting import identity, tokens
from engagement.flows.collecting.identity import person_of_customer
from engagement.models import EventName, Item
from tests.othershop.catalogue import make_event, make_reader, make_visitor
from tests.serving import visitor

URL = "/engagement/recommendations/home.for_you/"


def keys(response):
    assert response.status_code == 200, response.content
    return [item["key"] for item in response.json()["items"]]


def test_the_answer_says_what_where_and_why(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")

    answer = browser.get(URL, {"n": 1}).json()

    assert answer["placement"] == "home.for_you"
    assert answer["title"] == "Recommended for you"
    assert answer["model_version"].startswith("for_you-")
    assert answer["variant"] == ""
    assert answer["items"] == [
        {
            "key": "orlando",
            "title": "Orlando",
            "url": "/books/orlando/",
            "image_url": "",
            "price": "10.00",
            "currency": "EUR",
            "score": 3.0,
            "rank": 1,
            "source": "for_you",
            "reasons": [
                {
                    "code": "view_item",
                    "text": "Because you looked at Emma",
                    "weight": 3.0,
                    "key": "emma",
                }
            ],
            "pinned": False,
            "propensity": None,
        }
    ]


def test_it_must_not_be_cached_for_others(shop, browser):
    response = browser.get(URL)

    assert response["Cache-Control"] == "private, no-store"
    assert "Cookie" in response["Vary"]


def test_the_recommendation_id_is_the_visitors(shop, browser, at):
    token = browser.get(URL).json()["recommendation_id"]
    from django.utils import timezone

    mine = visitor(browser.key)
    assert tokens.verify(token, person=mine, at=timezone.now()).placement == "home.for_you"
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(token, person=visitor(identity.new_key()), at=timezone.now())


def test_a_stranger_gets_popular_items(shop, client):
    assert keys(client.get(URL, {"n": 2})) == ["emma", "ulysses"]


def test_the_item_of_the_page_and_the_cart_are_parameters(shop, client):
    similar = client.get("/engagement/recommendations/product.similar/", {"item": "emma"})
    cart = client.get(
        "/engagement/recommendations/cart.complete_the_set/", {"cart": ["emma", "dune"]}
    )
    rest = client.get(URL, {"exclude": ["emma", "ulysses"], "n": 1})
    novels = client.get(URL, {"category": "Novels"})

    assert keys(similar) == ["orlando", "ulysses"]
    assert not {"emma", "dune"} & set(keys(cart))
    assert keys(rest) == ["orlando"]
    assert set(keys(novels)) == {"emma", "ulysses", "orlando"}


def test_explain_tells_every_contribution(shop, browser, did):
    did(EventName.VIEW_ITEM, "emma")
    did(EventName.VIEW_ITEM, "ulysses")

    item = browser.get(URL, {"n": 1, "explain": 1}).json()["items"][0]

    assert [reason["key"] for reason in item["reasons"]] == ["emma", "ulysses"]
    assert sum(reason["weight"] for reason in item["reasons"]) == pytest.approx(item["score"])


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"n": "many"}, "n"),
        ({"n": 0}, "n"),
        ({"n": 101}, "n"),
        ({"explain": "perhaps"}, "explain"),
        ({"item": "x" * 200}, "item"),
        ({"exclude": ["x"] * 201}, "exclude"),
        ({"category": "x" * 300}, "category"),
        ({"items": "emma"}, "items"),
        ({"visitor": "a"}, "visitor"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(shop, client, parameters, field):
    response = client.get(URL, parameters)

    assert response.status_code == 400
    assert list(response.json()) == [field]


def test_an_unknown_placement_is_not_found(shop, client):
    response = client.get("/engagement/recommendations/home.nowhere/")

    assert response.status_code == 404
    assert "home.nowhere" in response.json()["detail"]


def test_too_many_questions_are_refused(shop, client, settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDATION_RATE": "2/min"}
    monkeypatch.setattr("engagement.api.throttling.time.time", lambda: 1_000_000_060.0)

    answers = [client.get(URL) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1]["Retry-After"] == "20"


def test_the_next_minute_counts_anew(shop, client, settings, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDATION_RATE": "1/min"}
    for moment, code in ((1_000_000_060.0, 200), (1_000_000_070.0, 429), (1_000_000_090.0, 200)):
        monkeypatch.setattr("engagement.api.throttling.time.time", lambda moment=moment: moment)

        assert client.get(URL).status_code == code


class TestNamingACustomer:
    @pytest.fixture
    def customer(self, shop):
        row = make_visitor(person_of_customer("42", "").customer_key)
        make_event(row, Item.objects.get(key="dune"), at=row.created_at)
        return "42"

    @pytest.fixture
    def server(self, db):
        user = make_reader("server")
        user.set_password("secret")
        user.save()
        return user

    @staticmethod
    def headers():
        return {"authorization": "Basic " + base64.b64encode(b"server:secret").decode()}

    def test_a_trusted_server_may(self, customer, server, client):
        server.user_permissions.add(Permission.objects.get(codename="view_visitor"))

        response = client.get(URL, {"customer": customer, "n": 1}, headers=self.headers())

        assert keys(response) == ["ubik"]

    def test_another_server_may_not(self, customer, server, client):
        response = client.get(URL, {"customer": customer}, headers=self.headers())

        assert response.status_code == 403

    def test_a_visitor_may_not(self, customer, client):
        assert client.get(URL, {"customer": customer}).status_code in (401, 403)

    def test_a_customer_who_did_not_agree_is_nobody(self, customer, server, client, settings):
        settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
        server.user_permissions.add(Permission.objects.get(codename="view_visitor"))

        response = client.get(URL, {"customer": customer, "n": 1}, headers=self.headers())

        assert keys(response) == ["emma"]
