"""What waits is read, once, by the live model; nothing is left behind."""

from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pytest

from engagement.adapters import ModelAdapter
from engagement.flows.locks import AlreadyRunning, lock
from engagement.flows.understanding import analyse as analysing
from engagement.flows.understanding import labels, live, sweep
from engagement.flows.understanding.analyse import analyse, analyse_now, n_pending
from engagement.flows.understanding.train import train
from engagement.learning.sentiment import Lexicon
from engagement.models import FlagTerm, Review, ReviewAnalysis
from engagement.shop_reviews import ShopReview, ShopReviews
from tests.understanding import analysis, codes, item, post, rated, review, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path_factory):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path_factory.mktemp("models")},
        },
    }


@pytest.fixture
def quick(settings):
    """No reviews of a package: the lowest rung is words and rules, ready at once."""

    def use(*more, **kwargs):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "CLASSIFIERS": {
                **{
                    "sentiment": {
                        "CANDIDATES": [
                            {
                                "BACKEND": "engagement.learning.sentiment.Lexicon",
                                "OPTIONS": {"words": "builtin"},
                            },
                            *more,
                        ]
                    }
                }
            },
            **kwargs,
        }

    use({"BACKEND": "engagement.learning.sentiment.TfidfLogistic", "FROM_LABELS": 60})
    return use


def test_what_nobody_has_read_is_read(at):
    glad = review("I love this wonderful book, excellent from start to end.", at=at)
    cross = review("Terrible, awful, the worst waste of money.", at=at, rating=1)
    chinese = review("太差了，质量很差，非常失望，垃圾", at=at, rating=1)
    said = post("Great shop, I love it!", at=at)

    report = analyse(channel="", at=at)

    assert report.n == {"review": 3, "post": 1}
    assert analysis(glad).sentiment == "positive"
    assert analysis(cross).sentiment == "negative"
    assert analysis(chinese).sentiment == "negative"
    assert analysis(chinese).language == "zh"
    assert analysis(said).sentiment == "positive"
    assert analysis(cross).score < -0.3 < 0.3 < analysis(glad).score


def test_probabilities_sum_to_one(at):
    row = analysis_of("A book about sand.", at)
    assert row.p_negative + row.p_neutral + row.p_positive == pytest.approx(1, abs=1e-4)


def test_a_vector_is_kept_where_the_model_has_one(at, monkeypatch):
    given = {"lovely": np.array([0.5, -1.0], dtype=np.float32)}
    monkeypatch.setattr(
        Lexicon, "vectors", lambda self, texts, languages=None: [given.get(t) for t in texts]
    )
    lovely, other = (review(text, at=at) for text in ("lovely", "something else"))
    monkeypatch.setattr(live, "untrained", lambda: Lexicon(words="builtin").fit([], []))
    live.forget()
    analyse(channel="", at=at)
    assert np.frombuffer(analysis(lovely).embedding, dtype="<f4").tolist() == [0.5, -1.0]
    assert analysis(other).embedding is None
    live.forget()


def analysis_of(text, at):
    one = review(text, at=at)
    analyse(channel="", at=at)
    return analysis(one)


def test_what_was_read_is_not_read_again(at):
    review("Lovely.", at=at)
    assert analyse(channel="", at=at).total == 1
    assert analyse(channel="", at=at + timedelta(hours=1)).total == 0
    assert n_pending("") == 0


def test_what_was_edited_is_read_again(at):
    one = review("Wonderful, excellent, I love it.", at=at)
    analyse(channel="", at=at)
    later = at + timedelta(hours=1)
    Review.objects.filter(pk=one.pk).update(body="Terrible, awful, worst.", updated_at=later)
    assert n_pending("") == 1
    analyse(channel="", at=later)
    assert analysis(one).sentiment == "negative"


def test_a_new_model_reads_everything_anew(quick, at):
    reviews = rated(150, at=at)
    analyse(channel="", at=at)
    assert set(ReviewAnalysis.objects.values_list("artifact", flat=True)) == {None}

    trained = train(channel="", at=at)

    assert trained.activated
    assert n_pending("") == 150
    analyse(channel="", at=at)
    assert set(ReviewAnalysis.objects.values_list("artifact", flat=True)) == {trained.artifact.pk}
    assert ReviewAnalysis.objects.count() == len(reviews)


def test_a_word_of_the_admin_has_everything_read_anew(at):
    one = review("As good as what Bookworld sells.", at=at)
    analyse(channel="", at=at)
    assert "CR" not in codes(one)
    FlagTerm.objects.create(code="CR", term="Bookworld")
    FlagTerm.objects.update(updated_at=at + timedelta(hours=1))
    analyse(channel="", at=at + timedelta(hours=2))
    assert codes(one)["CR"] == "competitor"


def test_the_backlog_is_read_in_batches_and_can_be_stopped(settings, at):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_BATCH": 4}
    rated(11, at=at)
    told = []
    first = analyse(channel="", at=at, most=6, progress=told.append)
    assert (first.total, first.is_complete, told) == (6, False, [4, 2])
    assert analyse(channel="", at=at).total == 5


def test_undecided_reviews_are_read_first(at):
    old = review("A lovely old book about sand.", at=at, status="published")
    new = review("A lovely new book about sand and worms.", at=at)
    analyse(channel="", at=at, most=1)
    assert ReviewAnalysis.objects.filter(review=new).exists()
    assert not ReviewAnalysis.objects.filter(review=old).exists()


def test_policy_decides_as_soon_as_it_was_read(at):
    fair = review("Boring and far too long. I am disappointed.", at=at, rating=1)
    rude = review("The author is an idiot. What a piece of shit.", at=at, rating=1)
    analyse(channel="", at=at)
    fair.refresh_from_db()
    rude.refresh_from_db()
    assert fair.status == "published"
    assert rude.status == "held"
    assert rude.reasons == ["PRF"]


def test_what_was_read_but_not_decided_about_is_found_and_decided(at):
    fair = review("Lovely book, came quickly.", at=at, rating=5)
    analyse(channel="", at=at)
    # As a reader leaves it that is killed between the one and the other.
    Review.objects.filter(pk=fair.pk).update(status="pending", published_at=None)
    assert sweep.waiting() == [""]

    report = analyse(channel="", at=at)

    fair.refresh_from_db()
    assert (report.total, fair.status) == (0, "published")
    assert sweep.waiting() == []


def test_one_review_can_be_read_at_once(at):
    one = review("Wonderful, excellent, I love it.", at=at)
    assert analyse_now(one, at=at).sentiment == "positive"
    assert n_pending("") == 0


def test_reading_at_once_can_be_left_to_a_worker(settings, at):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CLASSIFY_AT_ONCE": False}
    assert analyse_now(review("Lovely.", at=at), at=at) is None
    assert n_pending("") == 1


def test_two_do_not_read_at_once(at):
    with lock("analyse:", seconds=60), pytest.raises(AlreadyRunning):
        analyse(channel="", at=at)


def test_a_review_deleted_meanwhile_takes_no_other_with_it(at, monkeypatch):
    gone, stays = review("Lovely.", at=at), review("Dreadful book, boring.", at=at)
    real = analysing._analyses

    def delete(batch):
        found = real(batch)
        Review.objects.filter(pk=gone.pk).delete()
        return found

    monkeypatch.setattr(analysing, "_analyses", delete)
    analyse(channel="", at=at)
    assert list(ReviewAnalysis.objects.values_list("review", flat=True)) == [stays.pk]


def test_strange_texts_are_read_like_any_other(at):
    strange = [
        "",
        "\u202eevil\u202c <script>alert(1)</script>",
        "😀" * 5000,
        "a" * 1_000_000,
        "\x07\x08 control",
        "ßẞİı ﷽ " * 50,
    ]
    rows = [review(text, at=at) for text in strange]
    assert analyse(channel="", at=at).total == len(rows)
    assert ReviewAnalysis.objects.count() == len(rows)


def test_memory_and_queries_depend_on_the_batch_not_on_the_backlog(
    at, django_assert_max_num_queries
):
    rated(64, at=at)
    with django_assert_max_num_queries(40):
        analyse(channel="", at=at)


def test_quotes_and_evidence_stand_where_they_say(at):
    one = review(
        "The paper is thin and ugly, but the story is wonderful! Mail me: a.b@example.com",
        at=at,
        title="Mixed feelings",
        about=item(),
        author=visitor(),
    )
    analyse(channel="", at=at)
    row = analysis(one)
    for said in row.aspects:
        assert one.text[said["start"] : said["end"]] == said["quote"]
    assert any("story is wonderful" in said["quote"] for said in row.aspects)
    (mail,) = [flag for flag in row.flags if flag["reason"] == "email"]
    start, end = mail["spans"][0]
    assert one.text[start:end] == "a.b@example.com"


# -- reviews that the shop keeps itself -----------------------------------------------------
class Kept(ShopReviews):
    """A shop's own table of opinions."""

    rows: ClassVar[dict[str, ShopReview]] = {}

    def iter_reviews(self, since=None):
        return iter(self.rows.values())

    def get_reviews(self, refs):
        return {ref: self.rows[ref] for ref in refs if ref in self.rows}


class KeepsReviews(ModelAdapter):
    def reviews(self):
        return Kept()


@pytest.fixture
def kept(settings, at, monkeypatch):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "ADAPTER": f"{__name__}.KeepsReviews"}
    dune = item("Dune")
    texts = {"7": "Wonderful, I love it, excellent.", "8": "Terrible, awful, the worst."}
    rows = {
        ref: ShopReview(ref=ref, item_key=dune.key, body=body, created_at=at, rating=3)
        for ref, body in texts.items()
    }
    monkeypatch.setattr(Kept, "rows", rows)
    return rows


def test_reviews_that_the_shop_keeps_are_read_where_they_are(kept, at):
    assert analyse(channel="", at=at).n == {"shop": 2}
    said = dict(ReviewAnalysis.objects.values_list("subject_key", "sentiment"))
    assert said == {"7": "positive", "8": "negative"}
    assert set(ReviewAnalysis.objects.values_list("item__title", "shop_status")) == {
        ("Dune", "published")
    }
    assert analyse(channel="", at=at).total == 0
    assert not Review.objects.exists()


def test_one_that_the_shop_changed_is_read_again(kept, at):
    analyse(channel="", at=at)
    later = at + timedelta(hours=1)
    kept["8"] = replace(kept["8"], body="Wonderful, I love it.", updated_at=later)
    assert analyse(channel="", at=later).n == {"shop": 1}
    assert ReviewAnalysis.objects.get(subject_key="8").sentiment == "positive"


def test_the_stars_of_a_shops_own_reviews_teach(kept, at):
    assert len(labels.read(channel="", until=at)) == 2
    assert sweep.channels() == sweep.waiting() == [""]
    analyse(channel="", at=at)
    assert sweep.waiting() == []
    assert [str(one) for one in sweep.due(at=at)] == ["sentiment: missing"]
