"""What is flagged, by which words, and what is let through."""

from datetime import timedelta

import pytest

from engagement.flows.understanding.analyse import analyse
from engagement.flows.understanding.flags import decisions, finding, stars
from engagement.flows.understanding.flags.base import Flag, Subject, describe, strongest
from engagement.flows.understanding.flags.folding import fold
from engagement.flows.understanding.flags.personal import luhn
from engagement.flows.understanding.flags.word_lists import Watched
from engagement.models import Event, EventName, FlagTerm, ModerationDecision, ReasonCode, Review
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item
from tests.understanding import analysis, codes, item, rated, review, visitor

NOBODY = Watched()


def subject(text, **fields):
    return Subject("review", "1", "", text, MONDAY, **fields)


def found(text, watched=NOBODY):
    """Return (code, reason, evidence) of each flag that the words alone raise."""
    return [
        (flag.code.value, flag.reason, *(text[start:end] for start, end in flag.spans))
        for flag in finding.in_text(subject(text), watched)
    ]


FLAGGED = [
    (
        "Write to a.reader+books@example.co.uk please",
        "PII",
        "email",
        "a.reader+books@example.co.uk",
    ),
    ("mail me: reader (at) example (dot) com", "PII", "email", "reader (at) example (dot) com"),
    ("Ring 13812345678 for more", "PII", "phone", "13812345678"),
    ("电话：１３８１２３４５６７８", "PII", "phone", "１３８１２３４５６７８"),
    ("Call me at 555 123 4567", "PII", "phone", "555 123 4567"),
    ("My number is +44 20 7946 0958.", "PII", "phone", "+44 20 7946 0958"),
    ("Card 4111 1111 1111 1111 was charged", "PII", "card", "4111 1111 1111 1111"),
    ("身份证 11010519491231002X", "PII", "identity", "11010519491231002X"),
    ("I live at 12 Baker Street, send it there", "PII", "address", "12 Baker Street"),
    ("寄到上海市浦东新区世纪大道100号3栋201室", "PII", "address", None),
    ("加微信 abc_12345 聊", "PII", "account", "微信 abc_12345"),
    ("我的QQ：123456789", "PII", "account", "QQ：123456789"),
    ("look at http://spam.example/x?y=1 now", "URL", "link", "http://spam.example/x?y=1"),
    ("see www.cheap-things.net", "URL", "link", "www.cheap-things.net"),
    ("see cheapthings dot com", "URL", "hidden_link", None),
    ("What the fuck is this", "PRF", "profanity", "fuck"),
    ("what the f.u.c.k", "PRF", "profanity", "f.u.c.k"),
    ("Ｆｕｃｋ this book", "PRF", "profanity", "Ｆｕｃｋ"),
    ("fuсk with a Cyrillic letter", "PRF", "profanity", "fuсk"),
    ("what a load of sh*t", "PRF", "profanity", "sh*t"),
    ("what a load of $h1t", "PRF", "profanity", "$h1t"),
    ("f\u200bu\u200bc\u200bk", "PRF", "profanity", None),
    ("这个卖家是傻。逼", "PRF", "profanity", "傻。逼"),
    ("You are all idiots", "PRF", "insult", "idiots"),
    ("客服是脑残吗", "PRF", "insult", "脑残"),
    ("i will find you and your shop", "PRF", "threat", "i will find you"),
    ("Much cheaper on Amazon, go there", "DBA", "diverts", "Amazon"),
    ("As good as the one of eBay", "CR", "competitor", "eBay"),
    ("京东同款更便宜", "DBA", "diverts", "京东"),
    ("I paid $25 for it", "PRI", "price", "$25"),
    ("才30块钱", "PRI", "price", "30块钱"),
    ("use my discount code: READ10", "PRI", "voucher", None),
    ("Click here to earn $500 a day from home", "SPM", "promotion", None),
    ("好评返现五元", "FRD", "paid", None),
    ("I got this in exchange for a review", "FRD", "paid", None),
    ("asdfasdfasdf", "VAC", "gibberish", None),
    ("!!!!!!!!", "VAC", "empty", None),
    ("此用户没有填写评价内容", "VAC", "empty", None),
    ("good " * 30, "SPM", "repetition", None),
]


@pytest.mark.parametrize(("text", "code", "reason", "evidence"), FLAGGED)
def test_is_flagged(text, code, reason, evidence):
    flags = {flag[:2]: flag[2:] for flag in found(text)}
    assert (code, reason) in flags
    if evidence is not None:
        assert evidence in flags[code, reason]


FAIR = [
    "This is the worst book I have ever read. I want my hours back, and I am very angry.",
    "质量太差了，垃圾东西，再也不会买了，非常失望！",
    "A classic about class and bass guitars; the assassin passes the grass.",
    "It's hit and miss, as his titles go.",
    "I am 5'5 and weigh 135 pounds; size 6 fits.",
    "他妈妈很喜欢这本书，我操作起来也方便。",
    "Order 1234567890123 arrived on 2026-03-02 at 10:30.",
    "Pages 100-200 were great. ISBN 978-0-441-17271-9.",
    "Shiitake recipes on page 12 are lovely. Soap scum comes off too.",
    "Loved it!!! 😀😀",
    "Ok.",
    "很好",
    "Runs small, e.g. a size M fits like S.It is nice.",
    "I bought two of them for my niece, she is happy.",
]


@pytest.mark.parametrize("text", FAIR)
def test_is_let_through(text):
    assert found(text) == []


def test_evidence_stands_where_it_says_after_folding():
    folded = fold("Ⅷ ﬁne — Ｆｕｃｋ")
    start = folded.text.index("fuck")
    assert folded.span(start, start + 4) == (8, 12)


def test_the_check_digit_tells_cards_from_numbers():
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")


def test_flags_of_one_kind_are_joined_with_all_their_evidence():
    one = Flag(ReasonCode.LINK, "link", 0.5, ((0, 3),))
    other = Flag(ReasonCode.LINK, "link", 0.9, ((7, 9),))
    assert strongest([one, other]) == [Flag(ReasonCode.LINK, "link", 0.9, ((0, 3), (7, 9)))]


def test_every_reason_can_be_read():
    assert describe({"code": "PII", "reason": "email"}) == "It contains an e-mail address."
    assert describe({"code": "SPM", "reason": "unknown"}) == str(ReasonCode.SPAM.label)


# -- stars and words ------------------------------------------------------------------------
def feelings(negative=0.0, neutral=0.0, positive=0.0):
    return {"negative": negative, "neutral": neutral, "positive": positive}


def test_stars_that_contradict_the_words_are_flagged():
    text = "I loved every page of this wonderful book"
    (flag,) = stars.find(subject(text, rating=1), feelings(positive=0.97))
    assert (flag.code, flag.reason) == (ReasonCode.MISLEADING_STARS, "stars_low")
    (flag,) = stars.find(subject(text, rating=5), feelings(negative=0.97))
    assert flag.reason == "stars_high"


@pytest.mark.parametrize(
    ("rating", "felt"),
    [
        (1, feelings(negative=0.99)),
        (5, feelings(positive=0.99)),
        (3, feelings(negative=0.99)),
        (1, feelings(positive=0.8, neutral=0.2)),
        (None, feelings(negative=0.99)),
    ],
)
def test_a_bad_review_is_no_flag(rating, felt):
    text = "I hated every page of this dreadful book"
    assert list(stars.find(subject(text, rating=rating), felt)) == []


# -- words of the shop ----------------------------------------------------------------------
@pytest.mark.django_db
def test_words_of_settings_and_admin_are_watched_for_and_can_be_allowed(settings, at):
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "FLAG_WORDS": {"CR": ["Bookworld"], "ok": ["ebay"], "PRF": ["muggle*"]},
    }
    FlagTerm.objects.create(code="SPM", term="magic beans")
    FlagTerm.objects.create(code="CR", term="amazon", is_allowed=True)
    one = review("Bookworld, eBay and Amazon sell magic beans to muggles.", at=at)
    analyse(channel="", at=at)
    reasons = {(f["code"], f["reason"]) for f in analysis(one).flags}
    assert reasons == {("CR", "competitor"), ("SPM", "watched"), ("PRF", "watched")}


# -- other texts, other people --------------------------------------------------------------
LONG = "The plot is clever and the writing is a joy from the first page until the very last one"


@pytest.mark.django_db
def test_what_another_has_written_before_is_a_copy(at):
    first = review(LONG, at=at)
    second = review(f"{LONG}!", at=at + timedelta(hours=1), about=make_item("Emma"))
    analyse(channel="", at=at + timedelta(hours=2))
    assert "DUP" not in codes(first)
    (flag,) = [flag for flag in analysis(second).flags if flag["code"] == "DUP"]
    assert flag["reason"] == "copied"
    assert flag["about"]["like"] == [str(first.key)]


@pytest.mark.django_db
def test_copies_are_found_whenever_the_texts_were_read(at):
    first = review(LONG, at=at)
    analyse(channel="", at=at)
    second = review(LONG, at=at + timedelta(days=30), about=make_item("Emma"))
    analyse(channel="", at=at + timedelta(days=30))
    assert codes(second)["DUP"] == "copied"
    assert "DUP" not in codes(first)


@pytest.mark.django_db
def test_who_says_the_same_of_two_books_copies_only_himself(at):
    author = visitor()
    review(LONG, at=at, author=author)
    second = review(LONG, at=at + timedelta(hours=1), about=make_item("Emma"), author=author)
    analyse(channel="", at=at + timedelta(hours=2))
    assert codes(second)["DUP"] == "copied_own"


@pytest.mark.django_db
def test_very_short_texts_are_nobodys(at):
    review("Very good", at=at)
    second = review("Very good", at=at)
    analyse(channel="", at=at)
    assert codes(second) == {}


@pytest.mark.django_db
def test_a_flood_from_one_hand_is_flagged(at):
    author = visitor()
    rows = [
        review(f"Lovely {n}", at=at + timedelta(seconds=n), author=author, about=make_item(str(n)))
        for n in range(20)
    ]
    analyse(channel="", at=at + timedelta(hours=1))
    assert codes(rows[0]) == {}
    assert codes(rows[-1])["FRD"] == "burst_author"


@pytest.mark.django_db
def test_a_flood_of_strangers_on_one_item_is_flagged_and_a_flood_of_buyers_is_not(at):
    dune, emma = item("Dune"), make_item("Emma")
    strangers = [review(f"Superb {n}", at=at + timedelta(minutes=n), about=dune) for n in range(30)]
    buyers = [
        review(f"Superb {n}", at=at + timedelta(minutes=n), about=emma, verified_purchase=True)
        for n in range(30)
    ]
    analyse(channel="", at=at + timedelta(hours=1))
    assert codes(strangers[-1])["FRD"] == "burst_item"
    assert codes(buyers[-1]) == {}


@pytest.mark.django_db
def test_not_having_bought_it_counts_only_with_other_signs(at):
    dune = item("Dune")
    make_event("buyer", dune, at=at, event=EventName.PURCHASE)
    assert Event.objects.count() == 1
    fair = review("A lovely story about sand.", at=at, about=dune)
    advert = review("Click here to earn money from home", at=at, about=dune)
    analyse(channel="", at=at)
    assert codes(fair) == {}
    assert codes(advert)["FRD"] == "never_bought"


# -- what moderators decided ----------------------------------------------------------------
def decide(one, status, at):
    ModerationDecision.objects.create(
        channel="",
        subject_kind="review",
        subject_key=str(one.key),
        review=one,
        to_status=status,
        actor="moderator",
        decided_at=at,
    )


@pytest.mark.django_db
def test_what_moderators_reject_is_learnt_and_only_flagged(settings, at, tmp_path):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }
    with pytest.raises(decisions.TooFewDecisions):
        decisions.train(channel="", at=at)
    for one in rated(210, at=at):
        if one.pk % 3 == 0:
            Review.objects.filter(pk=one.pk).update(body=f"Horoscope and tarot number {one.pk}")
        decide(one, "rejected" if one.pk % 3 == 0 else "published", at)

    artifact = decisions.train(channel="", at=at)

    assert artifact.verdict == "ahead"
    new = review("A tarot and horoscope for everybody", at=at)
    analyse(channel="", at=at + timedelta(hours=1))
    new.refresh_from_db()
    assert codes(new)["OTH"] == "learnt"
    assert new.status == "held"
