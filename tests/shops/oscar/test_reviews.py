"""Reviews posted in Oscar are read where they are, held where they hate, and counted right."""

import re

import pytest
from django.core.management import call_command
from django.urls import reverse
from oscar.core.loading import get_model
from oscar.test.factories import UserFactory

from engagement.flows.understanding import analyse
from engagement.models import ModerationDecision, ReviewAnalysis
from tests.shops.oscar.walking import Walker, counted

HATEFUL = "You are all idiots and assholes, go to hell."
FOR_MODERATION, APPROVED, REJECTED = 0, 1, 2
ProductReview = get_model("reviews", "ProductReview")
Product = get_model("catalogue", "Product")


@pytest.fixture
def at_once(settings):
    """A shop that shows reviews without asking anybody first."""
    settings.OSCAR_MODERATE_REVIEWS = False


@pytest.fixture
def admin():
    walker = Walker()
    walker.client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return walker


def write(product, body, score=5, email="ann@example.org"):
    walker = Walker()
    walker.register(email)
    walker.review(product, body, score)
    return walker


def review(body):
    return ProductReview.objects.get(body=body)


def stars(product):
    return Product.objects.get(pk=product.pk).rating


def shown(product):
    return Walker().get(product.get_absolute_url())


def waiting(admin):
    """Return what the queue of our admin shows of the shop's reviews, by their words."""
    text = admin.get(reverse("admin:engagement_review_queue") + "?kind=shop")
    values = re.findall(r'name="chosen" value="([^"]+~shop:[^"]+)"', text)
    return text, sorted(set(values))


def decide(admin, value, **fields):
    url = reverse("admin:engagement_review_decide")
    back = reverse("admin:engagement_review_queue")
    admin.post(url, {"chosen": [value], "back": back, **fields})


def test_a_review_is_read_as_it_is_written(shop):
    write(shop.mug, "A fine mug, I love it.")

    analysis = ReviewAnalysis.objects.get(subject_key=str(review("A fine mug, I love it.").pk))
    assert (analysis.sentiment, analysis.shop_status) == ("positive", "pending")
    assert analysis.item.title == "Mug 0"
    assert counted()["submit_review"] == 1


def test_what_is_no_trouble_is_shown_and_counted(shop, at_once):
    write(shop.mug, "A fine mug.", 4)

    assert review("A fine mug.").status == APPROVED
    assert stars(shop.mug) == 4
    assert "A fine mug." in shown(shop.mug)


def test_a_hateful_one_is_held_before_anybody_sees_it(shop, at_once):
    write(shop.mug, "A fine mug.", 4)
    write(shop.mug, HATEFUL, 1, "ben@example.org")

    assert review(HATEFUL).status == FOR_MODERATION
    assert stars(shop.mug) == 4
    assert HATEFUL not in shown(shop.mug)
    assert ModerationDecision.objects.get().actor == "policy"


def test_approving_it_in_our_admin_shows_it_with_the_right_average(shop, at_once, admin):
    write(shop.mug, "A fine mug.", 4)
    write(shop.mug, HATEFUL, 1, "ben@example.org")
    text, values = waiting(admin)
    assert "idiots" in text
    assert len(values) == 1

    decide(admin, values[0], do="approve")

    assert review(HATEFUL).status == APPROVED
    assert stars(shop.mug) == 2.5
    assert HATEFUL in shown(shop.mug)
    assert waiting(admin)[1] == []


def test_rejecting_it_in_our_admin_keeps_it_away(shop, admin):
    write(shop.mug, HATEFUL, 1)
    _text, values = waiting(admin)

    decide(admin, values[0], do="reject", reason="PRF")

    assert review(HATEFUL).status == REJECTED
    assert stars(shop.mug) is None
    assert HATEFUL not in shown(shop.mug)


def test_what_oscars_own_dashboard_decides_is_decided(shop, admin):
    write(shop.mug, "A fine mug.")
    _text, values = waiting(admin)
    assert len(values) == 1
    one = review("A fine mug.")
    page = reverse("dashboard:reviews-update", args=[one.pk])

    admin.post(page, {"title": one.title, "body": one.body, "status": APPROVED, "score": 5})

    assert waiting(admin)[1] == []
    assert ReviewAnalysis.objects.get().shop_status == "published"


def test_what_a_person_has_approved_is_not_held_again(shop, admin):
    write(shop.mug, HATEFUL, 1)
    one = review(HATEFUL)
    page = reverse("dashboard:reviews-update", args=[one.pk])
    admin.post(page, {"title": one.title, "body": one.body, "status": APPROVED, "score": 1})

    ReviewAnalysis.objects.update(artifact=None, analysed_at="2020-01-01T00:00:00Z")
    call_command("engagement_classify", verbosity=0)

    assert review(HATEFUL).status == APPROVED


def test_an_edited_review_is_read_again(shop):
    write(shop.mug, "A fine mug, I love it.")
    one = review("A fine mug, I love it.")

    one.body = "Awful. It broke at once, I hate it."
    one.save()

    assert ReviewAnalysis.objects.get().sentiment == "negative"


def test_reviews_of_long_ago_stay_where_they_are(shop):
    """Installing the app must not empty the shop's pages."""
    old = ProductReview(product=shop.mug, score=1, title="Old", body=HATEFUL, status=APPROVED)
    ProductReview.objects.bulk_create([old])
    ProductReview.objects.update(date_created="2020-01-01T00:00:00Z")

    call_command("engagement_classify", verbosity=0)

    assert ReviewAnalysis.objects.get().flags
    assert review(HATEFUL).status == APPROVED


def test_a_deleted_review_takes_its_analysis_along(shop):
    write(shop.mug, "A fine mug.")

    review("A fine mug.").delete()

    assert not ReviewAnalysis.objects.exists()


def test_a_vote_is_told_and_changes_nothing(shop, at_once):
    write(shop.mug, "A fine mug.")
    one = review("A fine mug.")
    reader = Walker()
    reader.register("ben@example.org")
    url = reverse(
        "catalogue:reviews-vote",
        kwargs={"product_slug": shop.mug.slug, "product_pk": shop.mug.pk, "pk": one.pk},
    )

    reader.post(url, {"delta": 1})

    assert counted()["vote_review"] == 1
    assert review("A fine mug.").status == APPROVED


def test_reading_that_fails_costs_no_review(shop, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("broken")

    monkeypatch.setattr(analyse, "read_kept", fail)

    write(shop.mug, "A fine mug.")
    monkeypatch.undo()
    call_command("engagement_classify", verbosity=0)

    assert ReviewAnalysis.objects.filter(subject_key=str(review("A fine mug.").pk)).exists()
