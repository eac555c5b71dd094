"""Reviews, votes, reports and questions over HTTP: what programs are told, whatever they send."""

import json
import uuid

import pytest

from engagement.models import Answer, Question, Review, ReviewReport, ReviewVote, Status
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_visitor
from tests.reviewing import book_item, photo, published
from tests.web.conftest import BROWSER

pytestmark = pytest.mark.django_db
EMMA = "/engagement/items/emma/reviews/"


@pytest.fixture(autouse=True)
def agreed(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "not_needed", "REVIEW_RATE": "99/h"}


@pytest.fixture
def emma():
    return book_item("Emma")


def post(browser, url, data, **headers):
    return browser.post(url, json.dumps(data), content_type="application/json", headers=headers)


def test_a_review_is_sent_and_told_back(browser, emma):
    response = post(browser, EMMA, {"rating": 5, "title": "Yes", "body": "A joy to read."})

    assert response.status_code == 201
    told = response.json()
    assert (told["item"], told["rating"], told["status"]) == ("emma", 5, "published")
    assert told["message"] == "Thank you. It is published."
    assert response["Cache-Control"] == "private, no-store"
    own = browser.get(f"/engagement/reviews/{told['key']}/").json()
    assert own == told


def test_the_author_is_told_which_code_and_whether_an_edit_helps(browser, emma):
    told = post(browser, EMMA, {"rating": 5, "body": "Mail me: ada@example.com"}).json()

    assert told["status"] == "held"
    assert told["reasons"][0]["code"] == "PII"
    assert told["reasons"][0]["is_editable"] is True
    response = browser.patch(
        f"/engagement/reviews/{told['key']}/",
        json.dumps({"body": "A joy to read."}),
        content_type="application/json",
    )
    assert response.json()["status"] == "published"


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        ({}, {"rating", "body"}),
        ({"rating": 6, "body": "x"}, {"rating"}),
        ({"rating": 5, "body": ""}, {"body"}),
        ({"rating": 5, "body": "x" * 1_000_000}, {"body"}),
        ({"rating": 5, "body": "x", "title": "t" * 200}, {"title"}),
        ({"rating": [], "body": {}}, {"rating", "body"}),
        ({"rating": None, "body": None, "title": 7}, {"rating", "body", "title"}),
    ],
)
def test_what_is_wrong_is_told_by_field(browser, emma, data, fields):
    response = post(browser, EMMA, data)

    assert response.status_code == 400
    assert set(response.json()) == fields
    assert not Review.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[1, 2]",
        b'"text"',
        '{"rating": 5, "body": "很好"}'.encode("gb18030"),
        b'{"rating": 5, "body": "\xff\xfe"}',
        b"[" * 100_000,
        b'{"rating": NaN, "body": "x"}',
    ],
    ids=["empty", "words", "list", "string", "gb18030", "bytes", "nested", "nan"],
)
def test_a_body_that_is_no_json_object_in_utf8_is_refused(browser, emma, body):
    response = browser.post(EMMA, body, content_type="application/json")

    assert response.status_code == 400
    assert not Review.objects.exists()


def test_a_body_that_is_too_large_is_refused(browser, emma, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10_000

    response = post(browser, EMMA, {"rating": 5, "body": "x" * 20_000})

    assert response.status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "\u202eright to left\u202c",
        "nul \x00 and bell \x07",
        "😀" * 5000,
        "' OR 1=1; DROP TABLE engagement_review; --",
        "{{ 7 * 7 }} {% load admin %}",
    ],
    ids=["script", "rtl", "controls", "emoji", "sql", "template"],
)
def test_strange_texts_are_stored_safely_and_told_back_as_text(browser, emma, body):
    response = post(browser, EMMA, {"rating": 3, "body": body})

    assert response.status_code == 201
    stored = Review.objects.get().body
    assert response.json()["body"] == stored
    assert not set(stored) & set("\u202e\u202c\x00\x07")
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("key", ["nothing", "a%00b", "../../etc/passwd", "%F0%9F%98%80", "x" * 500])
def test_an_unknown_item_is_said(browser, emma, key):
    response = post(browser, f"/engagement/items/{key}/reviews/", {"rating": 5, "body": "x"})

    assert response.status_code == 404
    assert not Review.objects.exists()


def test_a_second_review_is_a_conflict_that_names_the_first(browser, emma):
    first = post(browser, EMMA, {"rating": 5, "body": "Once."}).json()

    response = post(browser, EMMA, {"rating": 1, "body": "Twice."})

    assert response.status_code == 409
    assert (response.json()["code"], response.json()["review"]) == (
        "already_reviewed",
        first["key"],
    )


def test_another_sites_page_cannot_write(browser, emma):
    response = post(browser, EMMA, {"rating": 1, "body": "x"}, origin="https://evil.example")

    assert response.status_code == 403


def test_who_would_not_be_known_again_is_asked_to_sign_in(client, emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}

    response = post(client, EMMA, {"rating": 5, "body": "x"}, **{"user-agent": BROWSER})

    assert response.status_code == 403
    assert response.json()["code"] == "unknown"
    assert "Sign in" in response.json()["detail"]


def test_a_customer_may_write_whatever_they_said_about_being_remembered(
    client, emma, settings, django_user_model
):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}
    client.force_login(django_user_model.objects.create_user("ada"))
    headers = {"user-agent": BROWSER}

    told = post(client, EMMA, {"rating": 5, "body": "A joy."}, **headers).json()

    assert told["status"] == "published"
    assert client.get(f"/engagement/reviews/{told['key']}/", headers=headers).status_code == 200


def test_staff_and_machines_do_not_review(client, emma, django_user_model):
    machine = post(client, EMMA, {"rating": 5, "body": "x"}, **{"user-agent": "curl/8"})
    client.force_login(django_user_model.objects.create_user("boss", is_staff=True))
    staff = post(client, EMMA, {"rating": 5, "body": "x"}, **{"user-agent": BROWSER})

    assert [one.json()["code"] for one in (machine, staff)] == ["bot", "staff"]


def test_a_new_visitor_gets_the_cookie_with_the_first_review(client, emma):
    response = post(client, EMMA, {"rating": 5, "body": "First!"}, **{"user-agent": BROWSER})

    assert response.status_code == 201
    assert "engagement_visitor" in response.cookies


def test_lists_are_sorted_filtered_and_paged(client, emma):
    for stars in (1, 2, 3, 4, 5, 5):
        published(emma, rating=stars, title=f"{stars}", verified_purchase=stars > 3, language="en")

    told = client.get(f"{EMMA}?sort=highest&page_size=2&page=2").json()
    assert (told["n"], told["page"], told["n_pages"]) == (6, 2, 3)
    assert [one["rating"] for one in told["reviews"]] == [4, 3]
    assert told["summary"]["n_total"] == 6
    assert client.get(f"{EMMA}?stars=1&stars=2&verified=0").json()["n"] == 2
    assert client.get(f"{EMMA}?verified=1").json()["n"] == 3
    assert client.get(f"{EMMA}?language=zh").json()["n"] == 0
    assert client.get(f"{EMMA}summary/").json()["average"] == pytest.approx(20 / 6)
    for bad in ("sort=best", "stars=9", "page=0", "page_size=1000"):
        assert client.get(f"{EMMA}?{bad}").status_code == 400


def test_votes_count_once_each(browser, client, emma):
    review = published(emma)
    url = f"/engagement/reviews/{review.key}/votes/"

    assert post(browser, url, {"helpful": True}).json() == {
        "helpful": 1,
        "unhelpful": 0,
        "voted": True,
    }
    assert post(browser, url, {"helpful": False}).json()["unhelpful"] == 1
    assert post(client, url, {"helpful": True}, **{"user-agent": BROWSER}).json()["helpful"] == 1
    assert post(browser, url, {"helpful": None}).json()["unhelpful"] == 0
    assert post(browser, url, {"helpful": "perhaps"}).status_code == 400
    assert ReviewVote.objects.count() == 1


def test_ones_own_review_cannot_be_voted_up(browser, emma):
    key = post(browser, EMMA, {"rating": 5, "body": "Mine."}).json()["key"]

    assert post(browser, f"/engagement/reviews/{key}/votes/", {"helpful": True}).status_code == 403


def test_what_is_not_published_cannot_be_seen_voted_on_or_reported(browser, emma):
    review = Review.objects.create(item=emma, rating=1, body="Hidden", status=Status.HELD)

    for part in ("votes", "reports"):
        url = f"/engagement/reviews/{review.key}/{part}/"
        data = {"helpful": True, "reason": "SPM"}
        assert post(browser, url, data).status_code == 404
    assert browser.get(f"/engagement/reviews/{review.key}/").status_code == 404
    assert post(browser, f"/engagement/reviews/{uuid.uuid4()}/votes/", data).status_code == 404


def test_a_report_is_stored_once_a_visitor(browser, emma):
    url = f"/engagement/reviews/{published(emma).key}/reports/"

    assert post(browser, url, {"reason": "SPM"}).status_code == 201
    assert post(browser, url, {"reason": "FRD", "note": "a bot"}).status_code == 201
    assert post(browser, url, {"reason": "XXX"}).status_code == 400
    assert ReviewReport.objects.get().reason == "FRD"


def test_questions_are_asked_answered_voted_on_and_reported(browser, client, emma):
    url = "/engagement/items/emma/questions/"
    asked = post(browser, url, {"body": "Is it funny?"}).json()
    answers = f"/engagement/questions/{asked['key']}/answers/"
    answered = post(client, answers, {"body": "Very."}, **{"user-agent": BROWSER}).json()
    votes = f"/engagement/answers/{answered['key']}/votes/"

    assert post(browser, votes, {"helpful": True}).json()["helpful"] == 1
    reports = f"/engagement/answers/{answered['key']}/reports/"
    assert post(browser, reports, {"reason": "OTH"}).status_code == 201
    told = browser.get(url).json()
    assert told["questions"][0]["answers"][0]["voted"] is True
    assert (Question.objects.count(), Answer.objects.count()) == (1, 1)
    assert post(browser, url, {"body": ""}).status_code == 400


def test_too_much_in_a_short_time_is_refused(browser, emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_RATE": "2/h"}
    url = "/engagement/items/emma/questions/"

    codes = [post(browser, url, {"body": f"Question {n}?"}).status_code for n in range(4)]

    assert codes == [201, 201, 429, 429]
    assert browser.get(url).status_code == 200


def test_throwing_the_cookie_away_does_not_help(client, emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_RATE": "1/h"}
    url = "/engagement/items/emma/questions/"

    codes = []
    for n in range(5):
        client.cookies.clear()
        data = {"body": f"Question {n}?"}
        codes.append(post(client, url, data, **{"user-agent": BROWSER}).status_code)

    assert codes == [201, 201, 201, 429, 429]


def test_a_picture_is_seen_by_its_author_first_and_by_all_once_it_is_published(
    browser, client, emma
):
    browser.post(EMMA, {"rating": 5, "body": "Look:", "pictures": [photo()]})
    review = Review.objects.get()
    picture = review.pictures.get()
    url = f"/engagement/reviews/pictures/{picture.key}/"
    headers = {"user-agent": BROWSER}

    assert client.get(url, headers=headers).status_code == 404
    assert browser.get(url).status_code == 200

    type(picture).objects.update(status=Status.PUBLISHED)
    response = client.get(url, headers=headers)
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join(response.streaming_content).startswith(b"\xff\xd8")

    Review.objects.update(status=Status.REJECTED)
    assert client.get(url, headers=headers).status_code == 404


def test_withdrawing(browser, emma):
    key = post(browser, EMMA, {"rating": 5, "body": "Mine."}).json()["key"]

    assert browser.delete(f"/engagement/reviews/{key}/").status_code == 204
    assert browser.delete(f"/engagement/reviews/{key}/").status_code == 404


def test_nobody_edits_or_withdraws_for_others(browser, emma):
    review = published(emma, visitor=make_visitor("another"), at=MONDAY)
    url = f"/engagement/reviews/{review.key}/"

    assert browser.patch(url, "{}", content_type="application/json").status_code == 404
    assert browser.delete(url).status_code == 404


def test_anyone_reads_the_figures(client, emma):
    from django.utils import timezone

    published(emma, at=timezone.now())

    told = client.get("/engagement/reviews/transparency/?days=30").json()

    assert (told["received"], told["published"], told["rejected"]) == (1, 1, 0)
    assert client.get("/engagement/reviews/transparency/?days=0").status_code == 400
