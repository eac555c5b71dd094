"""Policy, moderators, undo, votes, reports, figures: who decides what becomes of a text."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model

from engagement import signals
from engagement.flows.reviews import (
    feedback,
    policy,
    questions,
    ratings,
    replies,
    submit,
    transparency,
    triage,
)
from engagement.flows.reviews.authors import MayNotWrite
from engagement.flows.reviews.deciding import (
    AlreadyModerated,
    CannotUndo,
    decide,
    decide_many,
    undo,
)
from engagement.flows.reviews.drafts import Invalid
from engagement.models import ItemRating, ModerationDecision, Review, ReviewPicture, Status
from tests.conftest import MONDAY
from tests.reviewing import analysed, book_item, bought, photo, published, reader, write

pytestmark = pytest.mark.django_db
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def emma():
    return book_item("Emma")


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("Ada", is_staff=True)


@pytest.fixture
def bob():
    return get_user_model().objects.create_user("Bob", is_staff=True)


@pytest.fixture
def waiting(emma):
    return Review.objects.create(item=emma, rating=2, body="Hm.", status=Status.HELD)


def status(review):
    return Review.objects.get(pk=review.pk).status


# -- policy -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], ("published", ())),
        ([("PRI", 0.9)], ("published", ())),
        ([("URL", 0.9)], ("held", ("URL",))),
        ([("URL", 0.4)], ("published", ())),
        ([("URL", 0.6), ("PRF", 0.9), ("PRI", 1.0)], ("held", ("PRF", "URL"))),
        ([("SPM", 0.9), ("URL", 0.95)], ("rejected", ("SPM", "URL"))),
        ([("NEW", 1.0)], ("published", ())),
    ],
)
def test_each_flag_leads_where_the_settings_say(settings, flags, expected):
    rules = {"URL": "hold", "PRF": "hold", "PRI": "publish", "SPM": "reject"}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_POLICY": rules}

    found = policy.verdict({"code": code, "confidence": sure} for code, sure in flags)

    assert (found.status, found.reasons) == expected


@pytest.mark.parametrize("p_negative", [0.01, 0.5, 0.999])
def test_a_feeling_alone_decides_nothing(emma, p_negative):
    review = Review.objects.create(item=emma, rating=1, body="Bad.")
    analysed(review, sentiment="negative", p_negative=min(p_negative, 0.89))

    policy.settle(review, at=TUESDAY)

    assert status(review) == Status.PUBLISHED


def test_nothing_is_published_that_nobody_has_read(emma):
    review = Review.objects.create(item=emma, rating=5, body="Good.")

    assert policy.settle(review, at=TUESDAY) is None
    assert status(review) == Status.PENDING


def test_an_analysis_of_an_earlier_text_does_not_count(emma):
    review = Review.objects.create(item=emma, rating=5, body="Good.", updated_at=TUESDAY)
    analysed(review, at=MONDAY)

    assert policy.settle(review, at=TUESDAY) is None


def test_a_shop_may_want_to_see_everything_first(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_MODERATION": "all"}
    review = Review.objects.create(item=emma, rating=5, body="Good.")
    analysed(review)

    policy.settle(review, at=TUESDAY)

    assert status(review) == Status.HELD


def test_a_persons_word_stands_after_an_edit(emma, ada):
    author = reader("reader")
    review = write(author, emma, body="A subtle insult that no rule knows.")
    decide(
        "review",
        review.key,
        "rejected",
        at=TUESDAY,
        moderator=ada,
        reasons=["PRF"],
        seen=["published"],
    )
    review.refresh_from_db()

    review = submit.edit(review, {"body": "A subtler one."}, author=author, at=TUESDAY)

    assert (review.status, review.reasons) == (Status.HELD, ["PRF"])


# -- moderators -------------------------------------------------------------------------------
def test_a_decision_says_who_when_why_and_what_the_model_thought(waiting, ada):
    analysed(waiting, ("URL", 0.8))

    decision = decide(
        "review", waiting.key, "rejected", at=TUESDAY, moderator=ada, reasons=["URL"], note="ads"
    )

    assert (decision.from_status, decision.to_status) == ("held", "rejected")
    assert (decision.moderator, decision.decided_at, decision.note) == (ada, TUESDAY, "ads")
    assert decision.opinion["flags"] == [{"code": "URL", "confidence": 0.8}]
    waiting.refresh_from_db()
    assert waiting.reasons == ["URL"]
    assert waiting.can_be_mended


def test_the_second_of_two_moderators_is_told_who_was_first(waiting, ada, bob):
    decide("review", waiting.key, "published", at=TUESDAY, moderator=ada)

    with pytest.raises(AlreadyModerated) as late:
        decide("review", waiting.key, "rejected", at=TUESDAY, moderator=bob, reasons=["SPM"])

    assert "Already moderated by Ada" in late.value.message
    assert ModerationDecision.objects.count() == 1


def test_a_rejection_needs_a_reason(waiting, ada):
    with pytest.raises(ValueError, match="Say why"):
        decide("review", waiting.key, "rejected", at=TUESDAY, moderator=ada)


def test_a_text_that_was_edited_since_is_not_decided_about(waiting, ada):
    seen = waiting.updated_at
    Review.objects.update(updated_at=TUESDAY, body="Something else.")

    with pytest.raises(AlreadyModerated):
        decide("review", waiting.key, "published", at=TUESDAY, moderator=ada, version=seen)

    assert status(waiting) == Status.HELD


def test_what_does_not_exist_is_said(ada):
    import uuid

    with pytest.raises(Review.DoesNotExist):
        decide("review", uuid.uuid4(), "published", at=TUESDAY, moderator=ada)


def test_undo_is_another_decision(waiting, ada, bob, emma):
    first = decide("review", waiting.key, "published", at=TUESDAY, moderator=ada)

    second = undo(first, moderator=bob, at=TUESDAY)

    assert (second.undoes, second.to_status, second.moderator) == (first, "held", bob)
    assert status(waiting) == Status.HELD
    assert ItemRating.objects.get(item=emma).n_total == 0
    with pytest.raises(AlreadyModerated):
        undo(first, moderator=ada, at=TUESDAY)
    undo(second, moderator=ada, at=TUESDAY)
    assert status(waiting) == Status.PUBLISHED


def test_undoing_brings_the_reason_back(waiting, ada):
    decide("review", waiting.key, "rejected", at=TUESDAY, moderator=ada, reasons=["PII"])
    published_ = decide(
        "review", waiting.key, "published", at=TUESDAY, moderator=ada, seen=["rejected"]
    )

    undo(published_, moderator=ada, at=TUESDAY)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.reasons) == ("rejected", ["PII"])


def test_what_the_author_decided_stays(emma, ada):
    review = write(reader("reader"), emma)
    submit.withdraw(review, at=TUESDAY)

    with pytest.raises(CannotUndo):
        undo(ModerationDecision.objects.latest("pk"), moderator=ada, at=TUESDAY)


def test_many_are_decided_about_together_and_conflicts_are_told(emma, ada, bob):
    reviews = [
        Review.objects.create(item=emma, rating=4, body="x", status=Status.HELD) for _ in range(3)
    ]
    decide("review", reviews[1].key, "rejected", at=MONDAY, moderator=bob, reasons=["SPM"])

    done = decide_many(
        "review", [one.key for one in reviews], "published", at=TUESDAY, moderator=ada
    )

    assert len(done.decisions) == 2
    assert "Bob" in done.conflicts[str(reviews[1].key)].message
    assert ItemRating.objects.get(item=emma).n_total == 2


def test_a_decision_is_announced_after_it_is_stored(
    waiting, ada, django_capture_on_commit_callbacks
):
    heard = []
    signals.review_moderated.connect(
        listener := lambda decision, subject, **kw: heard.append((decision.to_status, subject.pk))
    )

    with django_capture_on_commit_callbacks(execute=True):
        decide("review", waiting.key, "published", at=TUESDAY, moderator=ada)

    signals.review_moderated.disconnect(listener)
    assert heard == [("published", waiting.pk)]


def test_a_picture_is_shown_once_a_person_has_seen_it(emma, ada):
    review = write(reader("reader"), emma, files=[photo()])
    picture = ReviewPicture.objects.get()

    decide("picture", picture.key, "published", at=TUESDAY, moderator=ada)

    review.refresh_from_db()
    assert review.n_pictures == 1


# -- counts -----------------------------------------------------------------------------------
def test_stars_are_counted_and_drawn_to_the_shops_mean(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RATING_PRIOR": 5}
    dune = book_item("Dune")
    for stars in (1, 2, 3, 4, 5, 5):
        published(emma, rating=stars)
    published(dune, rating=5)

    ratings.refresh(channel="", at=TUESDAY)

    mean = 25 / 7
    few, many = ratings.summary(dune.pk), ratings.summary(emma.pk)
    assert few.average == 5.0
    assert few.bayesian == pytest.approx((5 + 5 * mean) / 6)
    assert many.bayesian == pytest.approx((20 + 5 * mean) / 11)
    assert [(bar.stars, bar.n) for bar in many.histogram] == [
        (5, 2),
        (4, 1),
        (3, 1),
        (2, 1),
        (1, 1),
    ]
    assert sum(bar.percent for bar in many.histogram) in range(98, 103)


def test_a_count_that_is_wrong_is_put_right(emma):
    published(emma, rating=5)
    Review.objects.update(rating=1)

    assert ratings.refresh(channel="", at=TUESDAY) == 1
    assert ratings.refresh(channel="", at=TUESDAY) == 0
    assert ratings.summary(emma.pk).average == 1.0


# -- votes and reports ------------------------------------------------------------------------
def test_a_vote_counts_once_and_may_be_changed_or_taken_back(emma):
    review, ada = published(emma), reader("ada")

    assert feedback.vote(review, is_helpful=True, author=ada, at=MONDAY) == (1, 0)
    assert feedback.vote(review, is_helpful=True, author=ada, at=MONDAY) == (1, 0)
    assert feedback.vote(review, is_helpful=False, author=ada, at=MONDAY) == (0, 1)
    assert feedback.vote(review, is_helpful=None, author=ada, at=MONDAY) == (0, 0)


def test_nobody_votes_on_their_own_words_nor_on_what_is_not_shown(emma, waiting):
    ada = reader("ada")
    mine = write(ada, emma)

    with pytest.raises(MayNotWrite):
        feedback.vote(mine, is_helpful=True, author=ada, at=MONDAY)
    with pytest.raises(Review.DoesNotExist):
        feedback.vote(waiting, is_helpful=True, author=ada, at=MONDAY)


def test_reports_of_several_people_hold_a_review_for_a_person(emma):
    review = published(emma)

    for name in ("a", "a", "b", "b"):
        feedback.report(review, reason="SPM", author=reader(name), at=TUESDAY)
    assert status(review) == Status.PUBLISHED
    feedback.report(review, reason="PRF", author=reader("c"), at=TUESDAY)

    review.refresh_from_db()
    assert (review.status, review.reasons, review.n_reports) == (Status.HELD, ["SPM"], 3)
    assert ItemRating.objects.get(item=emma).n_total == 0


def test_what_a_person_has_approved_is_not_reported_away(emma, ada):
    review = Review.objects.create(item=emma, rating=1, body="Fair.", status=Status.HELD)
    decide("review", review.key, "published", at=MONDAY, moderator=ada)

    for name in "abcdef":
        feedback.report(review, reason="FRD", author=reader(name), at=TUESDAY)

    assert status(review) == Status.PUBLISHED


def test_a_report_needs_a_reason_that_a_reader_can_know(emma):
    for reason in ("", "MSR", "nonsense"):
        with pytest.raises(Invalid):
            feedback.report(published(emma), reason=reason, author=reader("a"), at=MONDAY)


# -- replies, questions -----------------------------------------------------------------------
def test_a_reply_is_published_changed_and_taken_back(emma, ada, bob):
    review = published(emma)

    replies.reply(review, "Sorry!", by=ada, at=TUESDAY)
    assert (review.reply_text, review.reply_by, review.reply_at) == ("Sorry!", ada, TUESDAY)
    with pytest.raises(AlreadyModerated):
        replies.reply(review, "So sorry!", by=bob, at=TUESDAY, seen="")
    with pytest.raises(Invalid):
        replies.reply(review, "  ", by=ada, at=TUESDAY)
    replies.take_back(review, by=ada, at=TUESDAY)
    assert (review.reply_text, review.reply_at) == ("", None)


def test_questions_are_answered_by_customers_and_by_the_shop(emma, ada):
    asker, owner = reader("asker"), reader("owner")
    bought(owner, emma)
    question = questions.ask({"body": "Is it long?"}, author=asker, item=emma, at=MONDAY)
    assert question == questions.ask({"body": "Is it long?"}, author=asker, item=emma, at=MONDAY)

    questions.answer({"body": "Rather."}, author=owner, question=question, at=TUESDAY)
    questions.answer_as_shop("464 pages.", question=question, by=ada, at=TUESDAY)

    (shown,) = questions.list_questions(emma.pk).questions
    assert [(one.body, one.is_shop, one.verified_purchase) for one in shown.shown_answers] == [
        ("464 pages.", True, False),
        ("Rather.", False, True),
    ]


def test_a_question_with_a_telephone_number_waits(emma):
    question = questions.ask(
        {"body": "Can you call me at +44 20 7946 0958?"}, author=reader("a"), item=emma, at=MONDAY
    )

    assert (question.status, question.reasons) == (Status.HELD, ["PII"])


def test_answered_questions_come_first(emma, ada):
    for n, body in enumerate(("First?", "Second?", "Third?")):
        questions.ask({"body": body}, author=reader("a"), item=emma, at=MONDAY + timedelta(hours=n))
    first = questions.list_questions(emma.pk).questions[-1]
    questions.answer_as_shop("Yes.", question=first, by=ada, at=TUESDAY)

    assert questions.list_questions(emma.pk).questions[0].body == "First?"


# -- triage, figures --------------------------------------------------------------------------
def test_what_is_worst_newest_and_from_the_best_customers_is_answered_first(emma):
    good_customer = reader("good")
    bought(good_customer, emma)
    now = MONDAY + timedelta(days=100)
    old = published(emma, rating=1, at=MONDAY)
    mild = published(emma, rating=3, at=now)
    angry = published(emma, rating=1, at=now)
    angry_and_good = published(emma, rating=1, at=now, visitor_id=good_customer.visitor_id)
    published(emma, rating=5, at=now)
    published(emma, rating=1, at=now, reply_text="Sorry", reply_at=now)

    assert list(triage.to_answer(channel="", at=now)) == [angry_and_good, angry, mild, old]


def test_triage_goes_by_what_was_read_more_than_by_stars(emma):
    stars = published(emma, rating=2)
    words = published(emma, rating=4)
    analysed(words, sentiment="negative", p_negative=0.89)
    analysed(stars, sentiment="neutral", p_negative=0.3)

    assert list(triage.to_answer(channel="", at=MONDAY)) == [words, stars]


def test_figures_add_up_and_are_broken_down_by_stars(emma, ada):
    for stars in (1, 1, 5):
        published(emma, rating=stars)
    bad = Review.objects.create(item=emma, rating=1, body="x", created_at=MONDAY)
    Review.objects.create(item=emma, rating=5, body="y", created_at=MONDAY)
    decide("review", bad.key, "rejected", at=TUESDAY, moderator=ada, reasons=["PRF"])

    found = transparency.figures(channel="", since=MONDAY, until=TUESDAY)

    assert (found.received, found.published, found.waiting, found.rejected) == (5, 3, 1, 1)
    assert [(one.code, one.n) for one in found.reasons] == [("PRF", 1)]
    assert [(one.stars, one.n, one.n_published) for one in found.by_stars] == [
        (5, 2, 1),
        (4, 0, 0),
        (3, 0, 0),
        (2, 0, 0),
        (1, 3, 2),
    ]
