"""The demonstration shop's reviews: many, varied, in both languages, and told to be samples."""

from collections import Counter

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from engagement.flows.importing import catalogue
from engagement.learning.sentiment.text import language, near_duplicates, signatures
from engagement.models import Review, Status
from shop_demo.seeding import reviews as samples

STARS = {"1", "2", "3", "4", "5"}


def test_hundreds_of_samples_are_varied_in_both_languages():
    written = [one for one in samples.read() if not one.is_question]
    texts = [one.text for one in written]
    by_language = Counter(language(text) for text in texts)

    assert len(written) >= 300
    assert min(by_language["en"], by_language["zh"]) >= 120
    assert {one.mark for one in written} == STARS
    assert len(set(texts)) == len(texts)
    # Not one template: nearly no two begin alike, and none say the same in almost the same words.
    assert near_duplicates(signatures(texts), 0.5) == []
    beginnings = Counter(text[:12] if language(text) == "en" else text[:5] for text in texts)
    assert max(beginnings.values()) <= 4
    assert len({one.about for one in written}) >= 40


def test_samples_are_read_settled_and_told_to_be_samples(shop, monkeypatch):
    catalogue.sync_items(channel="", at=timezone.now())
    product = shop[101]
    some = [one for one in samples.read() if not one.is_question][:6]
    mine = [samples.Sample(product.name, *vars_of(one)) for one in some]
    monkeypatch.setattr(samples, "read", lambda: mine)

    assert samples.save(lambda _: None) == len(mine)
    assert samples.save(lambda _: None) == len(mine), "a second run replaces them"

    stored = Review.objects.filter(source=Review.Source.SAMPLE)
    assert stored.count() == len(mine)
    assert not stored.filter(status=Status.PENDING).exists()
    shown = stored.filter(status=Status.PUBLISHED).first()
    page = Client().get(reverse("product", args=[product.pk])).content.decode()
    assert shown.title in page
    assert page.count("sample, written for this demonstration") >= 1


def vars_of(sample):
    return sample.mark, sample.name, sample.title, sample.text, sample.reply
