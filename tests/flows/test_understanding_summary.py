"""What customers say: counted by aspect, in their own words, as glad as they are."""

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils.html import escape

from engagement.flows.understanding import (
    aspect_finding,
    aspects,
    published,
    rewriting,
    spans,
    summary,
    words,
)
from engagement.flows.understanding.analyse import analyse
from engagement.flows.understanding.summary import summary_of
from engagement.models import AspectSummary, AspectTerm, Review, ReviewSummary
from tests.othershop.catalogue import make_item
from tests.understanding import analysis, review

pytestmark = pytest.mark.django_db

PRAISE = (
    "The story is wonderful and I love it.",
    "The delivery was excellent and fast, great service.",
    "A beautiful design, I am very happy with the look.",
    "The quality of the paper is excellent, a perfect edition.",
    "Great price for such a lovely book, I recommend it.",
    "The plot is amazing and the characters are wonderful.",
)
COMPLAINTS = (
    "The delivery was terrible and the box arrived broken.",
    "The print is awful, the worst quality I have seen.",
)


def say(text, *, at, days=0, about=None, rating=None):
    stars = rating or (5 if any(text.startswith(good) for good in PRAISE) else 1)
    return review(text, at=at - timedelta(days=days), rating=stars, about=about, status="published")


@pytest.fixture
def said(at):
    """Nine glad reviews of one book and three cross ones, all read and counted."""
    book = make_item("Dune", category="Fiction > Science fiction")
    for number in range(9):
        opening = PRAISE[number % len(PRAISE)]
        say(f"{opening} Bought in shop {number}.", at=at, days=number, about=book)
    for number in range(3):
        say(f"{COMPLAINTS[number % 2]} Copy {number}.", at=at, days=number, about=book)
    analyse(channel="", at=at)
    aspects.count(channel="", at=at)
    summary.make_all(channel="", at=at + timedelta(minutes=5))
    return book


# -- aspects --------------------------------------------------------------------------------
def test_a_clause_says_what_it_says_whatever_the_rest_says(at):
    one = review("The story is wonderful, but the delivery was terrible.", at=at)
    analyse(channel="", at=at)
    felt = {entry["aspect"]: entry["polarity"] for entry in analysis(one).aspects}
    assert felt["content"] > 0 > felt["delivery"]


def test_chinese_is_read_clause_by_clause_too(at):
    one = review("质量很好，非常满意，但是物流太差了，垃圾快递。", at=at)
    analyse(channel="", at=at)
    felt = {entry["aspect"]: entry["polarity"] for entry in analysis(one).aspects}
    assert felt["quality"] > 0 > felt["delivery"]


def test_clauses_cover_what_is_said_and_nothing_else():
    text = " First one, second one!  但是第三个。"
    assert [text[c.start : c.end] for c in spans.clauses(text)] == [
        "First one",
        "second one",
        "但是第三个",
    ]


def test_aspects_are_counted_for_items_and_every_category_above(said):
    delivery = AspectSummary.objects.get(item=said, aspect="delivery")
    assert (delivery.n_texts, delivery.n_positive, delivery.n_negative) == (4, 2, 2)
    assert delivery.share == pytest.approx(4 / 12)
    for path in ("Fiction", "Fiction > Science fiction"):
        found = {row.aspect: row.n_texts for row in aspects.of_category(path, channel="")}
        assert found["delivery"] == 4


def test_every_quote_stands_in_its_review(said):
    for row in AspectSummary.objects.all():
        for quote in row.quotes:
            text = Review.objects.get(key=quote["key"]).text
            assert text[quote["start"] : quote["end"]] == quote["quote"]


def test_the_trend_holds_the_last_weeks_against_before(at):
    book = make_item("Dune")
    for number in range(6):
        say(f"Excellent, great delivery, I love it {number}.", at=at, days=100 + number, about=book)
        say(f"Terrible, awful delivery, the worst {number}.", at=at, days=number, about=book)
    analyse(channel="", at=at)
    aspects.count(channel="", at=at)
    assert AspectSummary.objects.get(item=book, aspect="delivery").trend < -0.5


def test_what_is_not_published_is_not_counted(said, at):
    Review.objects.update(status="held")
    assert aspects.count(channel="", at=at) == 0
    assert published.analyses("").count() == 0


def test_a_shop_teaches_its_own_words_and_unlearns_ours(at):
    one = review("The dust jacket is wonderful. The story is wonderful.", at=at)
    AspectTerm.objects.create(language="en", aspect="cover", term="dust jacket")
    AspectTerm.objects.create(language="en", aspect="content", term="story", is_ignored=True)
    found = words.aspects("").find(one.text, "en", "")
    assert [name.aspect for name in found] == ["cover"]


def test_words_of_a_category_hold_there_only():
    AspectTerm.objects.create(language="en", category="Fiction", aspect="pace", term="fast")
    lexicon = words.aspects("")
    assert [n.aspect for n in lexicon.find("It is fast", "en", "Fiction > Crime")] == ["pace"]
    assert [n.aspect for n in lexicon.find("It is fast", "en", "Phones")] == ["speed"]


def test_words_that_recur_are_proposed_and_change_nothing_until_taken(at):
    for number in range(8):
        say(f"The hinge squeaks, sadly {number}.", at=at, days=number, rating=2)
        worn = ("松动", "生锈")[number % 2]
        say(f"铰链{worn}，第{number}次。", at=at, days=number, rating=2)
    analyse(channel="", at=at)
    assert aspect_finding.propose(channel="") >= 2
    assert {"hinge", "铰链"} <= set(AspectTerm.objects.values_list("term", flat=True))
    assert words.aspects("").find("The hinge", "en") == []
    assert aspect_finding.propose(channel="") == 0
    AspectTerm.objects.filter(term="hinge").update(origin="own", aspect="hinge")
    assert [n.aspect for n in words.aspects("").find("The hinge", "en")] == ["hinge"]


# -- what customers say ---------------------------------------------------------------------
def test_every_sentence_is_a_customers_own(said):
    found = summary_of(said.pk, "en")
    assert 3 <= len(found.sentences) <= 5
    assert len({one.key for one in found.sentences}) == len(found.sentences)
    for one in found.sentences:
        assert one.text in Review.objects.get(key=one.key).text


def test_it_is_as_glad_as_the_reviews_are(said):
    found = summary_of(said.pk, "en")
    signs = Counter(one.polarity > 0 for one in found.sentences)
    assert signs == {True: 2, False: 1}
    assert (found.n_reviews, found.percent_positive) == (12, 75)


def test_few_reviews_are_not_summed_up(at):
    for number in range(4):
        say(f"{PRAISE[number]} {number}", at=at)
    analyse(channel="", at=at)
    summary.make_all(channel="", at=at)
    assert ReviewSummary.objects.count() == 0


def test_there_is_one_in_every_language_that_is_spoken_enough(said):
    assert summary_of(said.pk, "zh-hans") is None
    assert summary_of(said.pk, "en-gb").language == "en"


def test_a_sentence_goes_with_its_review(said):
    before = summary_of(said.pk, "en")
    gone = before.sentences[0]
    Review.objects.filter(key=gone.key).update(status="rejected")
    after = summary_of(said.pk, "en")
    assert gone not in after.sentences
    assert len(after.sentences) == len(before.sentences) - 1


def test_an_edited_review_is_not_quoted_with_what_it_said(said):
    quoted = summary_of(said.pk, "en").sentences[0]
    Review.objects.filter(key=quoted.key).update(body="I take everything back.")
    assert quoted not in summary_of(said.pk, "en").sentences


def test_flagged_reviews_are_not_quoted(said, at):
    for row in published.analyses(""):
        row.flags = [{"code": "PRF", "reason": "profanity", "confidence": 0.9, "spans": []}]
        row.save()
    summary.make(said.pk, channel="", at=at)
    assert summary_of(said.pk, "en") is None


def test_only_what_changed_is_made_anew(said, at):
    assert summary.due(channel="") == []
    later = at + timedelta(days=1)
    say("The story is excellent and I love it, again.", at=later, about=said, rating=5)
    analyse(channel="", at=later)
    assert summary.due(channel="") == [said.pk]


# -- in a language model's words ------------------------------------------------------------
class Writer:
    """A language model that answers what a test wants."""

    def __init__(self, monkeypatch, settings):
        self.answer, self.asked = "", []
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "SUMMARY_WRITER": {"URL": "https://writer.example/v1", "MODEL": "scribe", "KEY": "k"},
        }
        monkeypatch.setattr(rewriting.urllib.request, "urlopen", self.open)

    def open(self, request, timeout):
        self.asked.append((request, timeout))
        return self

    def __enter__(self):
        return self

    def __exit__(self, *args):
        return None

    def read(self, size):
        message = {"message": {"content": self.answer}}
        return json.dumps({"choices": [message]}).encode()


@pytest.fixture
def writer(monkeypatch, settings):
    return Writer(monkeypatch, settings)


def rewritten(writer, said, at, text):
    writer.answer = text
    ReviewSummary.objects.all().delete()
    summary.make(said.pk, channel="", at=at)
    return summary_of(said.pk, "en")


def test_a_faithful_retelling_is_kept_and_named(said, writer, at):
    quotes = [one.text for one in summary_of(said.pk, "en").sentences]
    found = rewritten(writer, said, at, f"Customers say: {quotes[0]} {quotes[1]}")
    assert found.rewritten.startswith("Customers say")
    assert found.rewritten_by == "scribe"
    request, timeout = writer.asked[0]
    assert request.full_url == "https://writer.example/v1/chat/completions"
    assert request.headers["Authorization"] == "Bearer k"
    assert timeout == 30.0
    assert all(quote in request.data.decode() for quote in quotes)


@pytest.mark.parametrize(
    "text",
    [
        "The battery is excellent and lasts long.",
        "The story is terrible and awful, the worst.",
        "97 of 100 customers love the story.",
        "Astronauts juggle violet umbrellas near volcanoes.",
        "这本书非常好，情节精彩。",
        "",
        "The story is wonderful. " * 60,
    ],
)
def test_what_no_review_says_is_dropped(said, writer, at, text):
    found = rewritten(writer, said, at, text)
    assert found.rewritten == ""
    assert found.sentences


def test_a_silent_model_leaves_the_sentences(said, writer, at, monkeypatch):
    def refuse(request, timeout):
        raise OSError("nobody there")

    monkeypatch.setattr(rewriting.urllib.request, "urlopen", refuse)
    assert rewritten(writer, said, at, "x").rewritten == ""


# -- on a page ------------------------------------------------------------------------------
def shown(rf, said):
    template = Template("{% load engagement_reviews %}{% what_customers_say_about book %}")
    return template.render(Context({"book": said.key, "request": rf.get("/")}))


def test_the_page_links_every_sentence_to_its_review(said, rf):
    page = shown(rf, said)
    assert "75 % of 12 reviews praise it" in page
    for one in summary_of(said.pk, "en").sentences:
        assert escape(one.text) in page
        assert f"#review-{one.key}" in page


def test_the_page_says_who_put_it_in_other_words(said, rf, writer, at):
    quotes = [one.text for one in summary_of(said.pk, "en").sentences]
    rewritten(writer, said, at, f"Customers say: {quotes[0]} {quotes[1]}")
    assert "Put into words by a language model" in shown(rf, said)


def test_a_page_without_a_summary_shows_nothing(rf, at):
    assert shown(rf, make_item("Emma")).strip() == ""
