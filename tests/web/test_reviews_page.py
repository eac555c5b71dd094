"""What a visitor sees and does on a product's page, with and without scripts."""

import json
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engagement.models import Question, Review, ReviewReport, ReviewVote, Status
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_visitor
from tests.reviewing import book_item, published
from tests.web.conftest import BROWSER

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.web.review_pages")]


@pytest.fixture(autouse=True)
def agreed(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "not_needed"}


@pytest.fixture
def emma():
    return book_item("Emma")


def page(browser, query=""):
    response = browser.get(f"/books/emma/{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_stars_are_told_to_eyes_and_to_screen_readers(browser, emma):
    published(emma, rating=5)
    published(emma, rating=4)

    text = page(browser)

    assert "4.5 of 5 stars, 2 reviews" in text
    assert text.count("engagement-star--half") >= 1


def test_an_item_without_reviews_shows_no_stars_and_no_json_ld(browser, emma):
    text = page(browser)

    assert "engagement-rating" not in text
    assert "ld+json" not in text
    assert "Nobody has reviewed this yet." in text


def test_what_was_typed_is_text_whatever_it_looks_like(browser, emma):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)> & \u2028"
    published(emma, title=evil, body=evil, author_name="<b>Eve</b>")

    text = page(browser)

    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "<b>Eve" not in text
    data = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', text)[1])
    assert data["review"][0]["name"] == evil


def test_json_ld_follows_googles_rules(browser, emma):
    published(emma, rating=5, author_name="Ada", title="Good", language="en")
    published(emma, rating=2)

    text = page(browser)
    data = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', text)[1])

    assert data["@type"] == "Product"
    assert data["name"] == "Emma"
    assert data["aggregateRating"] == {
        "@type": "AggregateRating",
        "ratingValue": 3.5,
        "reviewCount": 2,
        "bestRating": 5,
        "worstRating": 1,
    }
    assert len(data["review"]) == 2
    for review in data["review"]:
        assert review["author"]["name"]
        assert 1 <= review["reviewRating"]["ratingValue"] <= 5


def test_json_ld_is_silent_where_the_page_shows_no_review(browser, emma):
    published(emma, rating=5)

    assert "ld+json" not in page(browser, "?review_stars=1")


def test_only_published_reviews_are_shown(browser, emma):
    published(emma, title="Seen")
    for status in (Status.PENDING, Status.HELD, Status.REJECTED):
        Review.objects.create(item=emma, rating=1, title=f"Unseen {status}", status=status)

    text = page(browser)

    assert "Seen" in text
    assert "Unseen" not in text


def test_reviews_are_sorted_filtered_and_paged_by_links(browser, emma):
    for rating in (1, 2, 3, 4, 5):
        for copy in range(3):
            published(emma, rating=rating, title=f"T{rating}-{copy}", count=rating + copy == 7)

    def titles(query):
        return re.findall(r'dir="auto">(T\d-\d)<', page(browser, query))

    assert len(titles("")) == 10
    assert titles("?review_sort=lowest")[0].startswith("T1")
    assert titles("?review_sort=highest&review_page=2")[-1].startswith("T1")
    assert {one[:2] for one in titles("?review_stars=4&review_stars=2")} == {"T4", "T2"}
    assert titles("?review_words=T3-1") == ["T3-1"]
    assert len(titles("?review_page=99")) == 5
    assert len(titles("?review_page=x&review_sort=%00&review_stars=9")) == 10


def test_a_page_needs_the_same_queries_for_two_reviews_as_for_twenty(browser, emma):
    def cost():
        browser.get("/books/emma/")
        browser.get("/plain/emma/")
        with CaptureQueriesContext(connection) as without:
            browser.get("/plain/emma/")
        with CaptureQueriesContext(connection) as queries:
            page(browser)
        # What guards a shop's transaction on PostgreSQL asks nothing.
        asked = [query for query in queries if "SAVEPOINT" not in query["sql"]]
        return len(asked) - len(without)

    published(emma)
    published(emma)
    few = cost()
    for _ in range(18):
        published(emma, count=False)
    published(emma)

    assert cost() == few
    assert few <= 14


def test_the_stars_of_a_list_cost_two_queries(browser):
    for title in ("Emma", "Dune", "Ubik"):
        published(book_item(title))
    browser.get("/shelf/")

    with CaptureQueriesContext(connection) as queries:
        response = browser.get("/shelf/")

    assert response.content.count(b"engagement-rating__text") == 3
    assert len([one for one in queries if "engagement_" in one["sql"]]) == 2


def test_a_review_is_written_without_scripts(browser, emma, monkeypatch):
    text = page(browser)
    action = re.search(r'action="([^"]+/reviews/write/)"', text)[1]

    response = browser.post(
        action, {"rating": "4", "title": "Fine", "body": "Read in a day.", "next": "/books/emma/"}
    )

    assert response.status_code == 303
    assert response["Location"] == "/books/emma/#reviews"
    review = Review.objects.get()
    assert (review.rating, review.title, review.body) == (4, "Fine", "Read in a day.")
    shown = page(browser)
    assert "Your review" in shown
    assert "Thank you." in shown or "It is published." in shown


def test_a_form_of_another_site_is_refused(emma):
    browser = Client(headers={"user-agent": BROWSER}, enforce_csrf_checks=True)

    response = browser.post("/engagement/items/emma/reviews/write/", {"rating": "1", "body": "x"})

    assert response.status_code == 403
    assert not Review.objects.exists()


def test_what_is_wrong_is_said_and_nothing_that_was_typed_is_lost(browser, emma):
    response = browser.post(
        "/engagement/items/emma/reviews/write/",
        {"rating": "6", "title": "Kept <title>", "body": "Kept body", "next": "/books/emma/"},
    )
    text = response.content.decode()

    assert response.status_code == 422
    assert "A rating is one to five whole stars." in text
    assert "Kept &lt;title&gt;" in text
    assert "Kept body" in text
    assert not Review.objects.exists()


def test_another_review_of_the_same_thing_is_kept_on_the_page_with_a_way_to_edit(browser, emma):
    words = {"rating": "4", "body": "First words."}
    browser.post("/engagement/items/emma/reviews/write/", words)

    response = browser.post(
        "/engagement/items/emma/reviews/write/", {"rating": "1", "body": "Second words."}
    )
    text = response.content.decode()

    assert response.status_code == 409
    assert "Second words." in text
    assert f"/reviews/{Review.objects.get().key}/edit/" in text


def test_a_form_never_leads_to_another_site(browser, emma):
    response = browser.post(
        "/engagement/items/emma/reviews/write/",
        {"rating": "4", "body": "Words.", "next": "https://evil.example/"},
    )

    assert response["Location"].startswith("/")


def test_too_much_in_a_short_time_is_told_and_kept(browser, emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_RATE": "1/h"}
    ask = "/engagement/items/emma/questions/ask/"
    browser.post(ask, {"body": "First question?"})

    response = browser.post(ask, {"body": "Second question?"})

    assert response.status_code == 429
    assert "Second question?" in response.content.decode()
    assert Question.objects.count() == 1


def test_an_author_edits_and_withdraws(browser, emma):
    browser.post("/engagement/items/emma/reviews/write/", {"rating": "4", "body": "First."})
    key = Review.objects.get().key
    edit = f"/engagement/reviews/{key}/edit/"
    assert "First." in browser.get(edit).content.decode()

    browser.post(edit, {"rating": "2", "title": "", "body": "Second.", "author_name": ""})
    review = Review.objects.get()
    assert (review.rating, review.body) == (2, "Second.")
    assert review.edits.get().body == "First."

    browser.post(edit, {"withdraw": "1"})
    assert Review.objects.get().status == Status.WITHDRAWN
    assert browser.get(edit).status_code == 404


def test_nobody_edits_for_others(browser, emma):
    review = published(emma, visitor=make_visitor("someone-else"))

    assert browser.get(f"/engagement/reviews/{review.key}/edit/").status_code == 404
    assert browser.post(f"/engagement/reviews/{review.key}/edit/", {"body": "x"}).status_code == 404


def test_votes_work_as_forms(browser, emma):
    review = published(emma)
    votes = f"/engagement/reviews/{review.key}/votes/"

    response = browser.post(votes, {"helpful": "yes", "next": "/books/emma/"})

    assert response["Location"] == f"/books/emma/#review-{review.key}"
    assert 'aria-pressed="true"' in page(browser)
    browser.post(votes, {"helpful": "none"})
    assert not ReviewVote.objects.exists()


def test_a_report_is_a_page_with_reasons(browser, emma):
    review = published(emma, body="Buy my pills")
    url = f"/engagement/reviews/{review.key}/report/"
    assert "Buy my pills" in browser.get(url).content.decode()

    assert browser.post(url, {"reason": ""}).status_code == 422
    assert browser.post(url, {"reason": "SPM", "note": "pills"}).status_code == 303
    assert ReviewReport.objects.get().reason == "SPM"


def test_questions_are_asked_answered_and_shown(browser, emma):
    browser.post("/engagement/items/emma/questions/ask/", {"body": "Is it funny?"})
    question = Question.objects.get()
    assert question.status == Status.PUBLISHED

    browser.post(f"/engagement/questions/{question.key}/answer/", {"body": "Very funny."})

    text = page(browser)
    assert "Is it funny?" in text
    assert "Very funny." in text


def test_anyone_may_read_how_many_were_rejected_and_why(browser, emma):
    from engagement.flows.reviews.deciding import decide

    published(emma)
    review = Review.objects.create(item=emma, rating=1, body="Buy pills", created_at=MONDAY)
    Review.objects.update(created_at="2100-01-01T00:00Z")
    decide("review", review.key, "rejected", at=MONDAY, reasons=["SPM"])

    text = browser.get("/figures/").content.decode()

    assert "1 were rejected" in text
    assert "It is advertising or repeats itself: 1" in text


def test_a_broken_part_costs_the_section_and_not_the_page(browser, emma, monkeypatch):
    from engagement.flows.reviews import showing

    published(emma)
    monkeypatch.setattr(showing.ratings, "summary", lambda pk: 1 / 0)

    assert "<h1>Emma</h1>" in page(browser)


def test_a_stranger_gets_no_cookie_for_reading(client, emma):
    published(emma)

    response = client.get("/books/emma/", headers={"user-agent": BROWSER})

    assert "engagement_visitor" not in response.cookies
