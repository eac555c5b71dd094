"""Reviews in the demonstration shop, from a visitor's words to the stars on the page."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagement.flows.importing import catalogue
from engagement.flows.reviews import moderators, triage
from engagement.models import Review, Status
from tests.web.conftest import BROWSER

ANGRY = (
    "等了两个星期才送到，包装全破了，东西洒了一半，打了三次客服电话都没人理。非常失望，不会再买了。"
)
HATEFUL = "You stupid idiots, this shop is run by filthy scum. Go and die, all of you."
MAILED = "Tastes fine and came quickly. Ask me at jo.miller@example.org if you want to know more."


@pytest.fixture
def product(shop):
    catalogue.sync_items(channel="", at=timezone.now())
    return shop[101]


@pytest.fixture
def moderator(django_user_model):
    django_user_model.objects.create_user("mo")
    moderators.make_group(add=["mo"])
    client = Client()
    client.force_login(django_user_model.objects.get(username="mo"))
    return client


def write(product, rating, title, body):
    """Write a review as somebody new in the shop; return it as it stands then."""
    visitor = Client(headers={"user-agent": BROWSER})
    visitor.get(reverse("product", args=[product.pk]))
    visitor.post(reverse("engagement:consent"), {"consent": "yes"})
    address = reverse("engagement:reviews", args=[str(product.pk)])
    response = visitor.post(
        address, {"rating": rating, "title": title, "body": body, "author_name": title}
    )
    assert response.status_code in (201, 202, 302, 303), response.content
    return Review.objects.get(title=title)


def json_ld(page):
    found = re.findall(r'<script type="application/ld\+json"[^>]*>(.*?)</script>', page, re.S)
    return [json.loads(one) for one in found]


def check_structure(data, *, value, count):
    """Check what search engines ask of a product's rating and reviews."""
    assert data["@context"] == "https://schema.org"
    assert data["@type"] == "Product"
    assert data["name"]
    rating = data["aggregateRating"]
    assert rating["@type"] == "AggregateRating"
    assert float(rating["ratingValue"]) == pytest.approx(value, abs=0.05)
    assert int(rating.get("reviewCount") or rating["ratingCount"]) == count
    assert int(rating.get("bestRating", 5)) == 5
    for review in data.get("review", []):
        assert review["@type"] == "Review"
        assert review["author"]["name"]
        assert 1 <= int(review["reviewRating"]["ratingValue"]) <= 5


def test_from_a_visitors_words_to_the_stars_on_the_page(product, moderator):
    angry = write(product, 1, "差评", ANGRY)
    hateful = write(product, 1, "Scum", HATEFUL)
    mailed = write(product, 5, "Good", MAILED)

    # Angry is not forbidden; hateful is, and so is an address, until a person has seen it.
    assert (angry.status, hateful.status, mailed.status) == ("published", "held", "held")
    assert angry.language.startswith("zh")
    assert "PRF" in hateful.reasons
    assert "PII" in mailed.reasons
    first = triage.to_answer(channel="", at=timezone.now()).first()
    assert first == angry

    queue = reverse("admin:engagement_review_queue")
    page = moderator.get(queue).content.decode()
    assert page.index("Scum") < page.index("Good")
    assert "差评" not in page
    assert "jo.miller@example.org</mark>" in page
    for review, act in ((hateful, {"do": "reject", "reason": "PRF"}), (mailed, {"do": "approve"})):
        seen = re.search(rf'value="([^"]*review:{review.key})"', page)[1]
        moderator.post(
            reverse("admin:engagement_review_decide"), {"chosen": seen, "back": queue, **act}
        )

    answer = moderator.get(reverse("admin:engagement_review_triage"))
    assert answer.content.decode().index("差评")
    moderator.post(
        reverse("admin:engagement_review_reply", args=[f"review:{angry.key}"]),
        {"text": "非常抱歉，我们马上为您补发。", "seen": "", "do": "reply"},
    )

    shown = Client().get(reverse("product", args=[product.pk])).content.decode()
    assert MAILED.split(".")[0] in shown
    assert "非常抱歉" in shown
    assert "filthy" not in shown
    (data,) = json_ld(shown)
    check_structure(data, value=3.0, count=2)
    statuses = Review.objects.values_list("title", "status")
    assert dict(statuses) == {
        "差评": Status.PUBLISHED,
        "Scum": Status.REJECTED,
        "Good": Status.PUBLISHED,
    }
