"""An author writes, edits, withdraws; what comes in is stored safely or refused aloud."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from engagement import shortcuts, signals
from engagement.flows.reviews import drafts, pictures, purchases, submit
from engagement.flows.reviews.authors import MayNotWrite
from engagement.flows.reviews.drafts import Invalid, read_review
from engagement.flows.reviews.submit import AlreadyReviewed, Final
from engagement.models import Event, EventName, ItemRating, Review, ReviewPicture, Status
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event
from tests.reviewing import book_item, bought, photo, published, reader, write

pytestmark = pytest.mark.django_db
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def emma():
    return book_item("Emma")


# -- what comes in ----------------------------------------------------------------------------
@pytest.mark.parametrize("rating", [0, 6, -1, "", None, "5.5", "five", True, [5], "٥", 10**30])
def test_a_rating_is_one_to_five_whole_stars(rating):
    with pytest.raises(Invalid) as refused:
        read_review({"rating": rating, "body": "Words."})

    assert set(refused.value.faults) == {"rating"}


@pytest.mark.parametrize("rating", [1, "5", 4.0, "3.0", " 2 "])
def test_whole_stars_may_be_written_in_several_ways(rating):
    assert read_review({"rating": rating, "body": "Words."}).rating in (1, 2, 3, 4, 5)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "required"),
        ("   \n\t ", "required"),
        ("\u200b\u202e\u0000", "required"),
        ("x" * 5001, "too_long"),
        ("x" * 1_000_000, "too_long"),
        ("caf\ufffd", "wrong_encoding"),
        (b"bytes", "not_text"),
        (["a", "list"], "not_text"),
        ({"a": 1}, "not_text"),
        (7, "not_text"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason(body, code):
    with pytest.raises(Invalid) as refused:
        read_review({"rating": 5, "body": body})

    assert [one.code for one in refused.value.faults["body"]] == [code]
    assert refused.value.messages["body"][0]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Good\u202eevil\u202c read", "Goodevil read"),
        ("bell\x07 and \x1b[31mred", "bell and [31mred"),
        ("half \ud83d a pair", "half  a pair"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("far\n\n\n\n\n\napart", "far\n\napart"),
        ("e\u0301", "é"),
        ("Z" + "\u0336" * 40 + "algo", "Z" + "\u0336" * 3 + "algo"),
        ("family 👨‍👩‍👧 and flag 🏳️‍🌈", "family 👨‍👩‍👧 and flag 🏳️‍🌈"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("😀" * 5000, "😀" * 5000),
        ("很好，很新鲜。", "很好，很新鲜。"),
        ("مذهل", "مذهل"),
    ],
)
def test_what_can_be_stored_is_stored_without_what_cannot_be_seen(emma, typed, kept):
    review = write(reader("ada"), emma, body=typed)

    assert Review.objects.get(pk=review.pk).body == kept


def test_titles_and_names_are_one_line():
    draft = read_review({"rating": 5, "title": "a\n b", "author_name": "A\tda", "body": "x"})

    assert (draft.title, draft.author_name) == ("a b", "A da")
    with pytest.raises(Invalid) as refused:
        read_review({"rating": 5, "title": "t" * 151, "author_name": "n" * 61, "body": "x"})
    assert set(refused.value.faults) == {"title", "author_name"}


def test_every_fault_is_told_at_once():
    with pytest.raises(Invalid) as refused:
        read_review({"rating": 9, "body": "", "title": "t" * 999})

    assert set(refused.value.faults) == {"rating", "body", "title"}


def test_a_shop_may_ask_for_more_words_or_for_none(settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_MIN_CHARACTERS": 20}
    with pytest.raises(Invalid):
        read_review({"rating": 5, "body": "Too short."})

    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_MIN_CHARACTERS": 0}
    assert read_review({"rating": 5}).body == ""


@pytest.mark.parametrize(
    ("body", "language"), [("A very good book.", "en"), ("这本书非常好看", "zh"), ("👍👍", "und")]
)
def test_the_language_is_found_out(emma, body, language):
    assert write(reader("ada"), emma, body=body).language == language


# -- one review a purchase --------------------------------------------------------------------
def test_a_purchase_makes_a_review_verified_and_nothing_else_does(emma):
    ada, bob = reader("ada"), reader("bob")
    bought(ada, emma)

    by_ada = submit.submit(
        {"rating": 5, "body": "Read it.", "verified_purchase": True, "order_ref": "S1"},
        author=ada,
        item=emma,
        at=TUESDAY,
    )
    by_bob = submit.submit(
        {"rating": 1, "body": "Heard of it.", "verified_purchase": True},
        author=bob,
        item=emma,
        at=TUESDAY,
        order_ref="S1",
    )

    assert (by_ada.verified_purchase, by_ada.order_ref) == (True, "S1")
    assert (by_bob.verified_purchase, by_bob.order_ref) == (False, "")


def test_there_is_one_review_a_purchase(emma):
    ada = reader("ada")
    bought(ada, emma, order="S1")
    bought(ada, emma, order="S2", at=TUESDAY)

    first, second = write(ada, emma, at=TUESDAY), write(ada, emma, order="S1", at=TUESDAY)

    assert {first.order_ref, second.order_ref} == {"S1", "S2"}
    with pytest.raises(AlreadyReviewed) as already:
        write(ada, emma)
    assert already.value.review == second


def test_without_a_purchase_there_is_one_review(emma):
    ada = reader("ada")
    first = write(ada, emma)

    with pytest.raises(AlreadyReviewed) as already:
        write(ada, emma)

    assert already.value.review == first


def test_who_withdraws_may_write_again(emma):
    ada = reader("ada")
    first = write(ada, emma)

    submit.withdraw(first, at=TUESDAY)

    assert write(ada, emma, body="On second thoughts.").status != Status.WITHDRAWN


def test_what_was_given_back_is_no_purchase(emma):
    ada = reader("ada")
    bought(ada, emma)
    refund = make_event(None, emma, at=TUESDAY, event=EventName.REFUND, order_ref="S1")
    Event.objects.filter(pk=refund.pk).update(visitor=ada.visitor_id)

    assert not write(ada, emma).verified_purchase


def test_another_variety_of_the_same_thing_counts():
    one, other = book_item("Emma"), book_item("Emma hardback")
    type(one).objects.update(group_key="emma")
    one.refresh_from_db()
    ada = reader("ada")
    bought(ada, other)

    assert write(ada, one).verified_purchase


def test_a_purchase_that_is_known_later_verifies_the_review(emma):
    ada = reader("ada")
    review = write(ada, emma)
    bought(ada, emma)

    assert purchases.verify(channel="", at=TUESDAY) == 1
    assert purchases.verify(channel="", at=TUESDAY) == 0

    review.refresh_from_db()
    assert (review.verified_purchase, review.order_ref) == (True, "S1")
    with pytest.raises(AlreadyReviewed):
        write(ada, emma)


def test_a_shop_may_hear_buyers_only(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_AUTHORS": "buyers"}
    ada = reader("ada")

    with pytest.raises(MayNotWrite) as refused:
        write(ada, emma)
    assert refused.value.code == "not_bought"

    bought(ada, emma)
    assert write(ada, emma).verified_purchase


# -- what becomes of it -----------------------------------------------------------------------
def test_a_good_review_is_published_and_counted(emma):
    review = write(reader("ada"), emma, rating=4, body="I enjoyed every page of it.")

    assert review.status == Status.PUBLISHED
    assert ItemRating.objects.get(item=emma).counts == (0, 0, 0, 1, 0)


def test_an_angry_but_fair_review_is_published_like_any_other(emma):
    review = write(
        reader("ada"), emma, rating=1, body="Terrible. Boring, badly printed, pages fell out."
    )

    assert review.status == Status.PUBLISHED


def test_an_address_waits_for_a_person_and_the_author_is_told_what_helps(emma):
    from engagement.flows.reviews.telling import tell

    review = write(
        reader("ada"), emma, body="Write to ada.lovelace@example.com or +44 20 7946 0958"
    )

    assert review.status == Status.HELD
    assert review.reasons[0] == "PII"
    assert "it holds personal data" in tell(review)
    assert "You can edit it." in tell(review)


def test_a_mended_review_is_published(emma):
    ada = reader("ada")
    review = write(ada, emma, body="A good book. Call me: +44 20 7946 0958")

    review = submit.edit(review, {"body": "A good book."}, author=ada, at=TUESDAY)

    assert (review.status, review.reasons) == (Status.PUBLISHED, [])
    assert review.edits.get().body == "A good book. Call me: +44 20 7946 0958"
    assert [one.to_status for one in review.decisions.order_by("pk")] == [
        "held",
        "pending",
        "published",
    ]


def test_an_edit_keeps_what_was_said_and_changes_the_count(emma):
    ada = reader("ada")
    review = write(ada, emma, rating=5, title="Great")

    submit.edit(review, {"rating": 2}, author=ada, at=TUESDAY)

    review.refresh_from_db()
    assert (review.rating, review.title, review.updated_at) == (2, "Great", TUESDAY)
    assert review.edits.get().rating == 5
    assert ItemRating.objects.get(item=emma).counts == (0, 1, 0, 0, 0)


def test_an_edit_that_changes_nothing_leaves_no_trace(emma):
    ada = reader("ada")
    review = write(ada, emma)

    submit.edit(review, {"body": review.body}, author=ada, at=TUESDAY)

    assert not review.edits.exists()


def test_of_two_edits_at_once_one_is_told(emma):
    ada = reader("ada")
    review = write(ada, emma)
    stale = Review.objects.get(pk=review.pk)
    submit.edit(review, {"body": "First edit."}, author=ada, at=TUESDAY)

    with pytest.raises(Invalid) as refused:
        submit.edit(stale, {"body": "Second edit."}, author=ada, at=TUESDAY)

    assert refused.value.faults[""][0].code == "changed"
    assert Review.objects.get().body == "First edit."


def test_what_is_final_cannot_be_edited(emma):
    ada = reader("ada")
    review = write(ada, emma)
    Review.objects.update(status=Status.REJECTED, reasons=["FRD"])
    review.refresh_from_db()

    with pytest.raises(Final):
        submit.edit(review, {"body": "But I am real!"}, author=ada, at=TUESDAY)


def test_withdrawing_takes_it_off_the_page_and_out_of_the_count(emma):
    review = write(reader("ada"), emma)

    submit.withdraw(review, at=TUESDAY)

    review.refresh_from_db()
    assert review.status == Status.WITHDRAWN
    assert ItemRating.objects.get(item=emma).n_total == 0


def test_a_review_is_announced_and_recorded(emma, settings, django_capture_on_commit_callbacks):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "not_needed"}
    heard = []
    signals.review_submitted.connect(listener := lambda review, **kw: heard.append(review.body))

    with django_capture_on_commit_callbacks(execute=True):
        write(reader("ada"), emma)

    signals.review_submitted.disconnect(listener)
    assert heard == ["A fine book."]
    event = Event.objects.get()
    assert (event.event, event.item) == (EventName.SUBMIT_REVIEW, emma)


def test_who_has_not_agreed_may_write_and_leaves_no_event(
    emma, settings, django_capture_on_commit_callbacks
):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "CONSENT": "opt_in"}

    with django_capture_on_commit_callbacks(execute=True):
        write(reader("ada"), emma)

    assert Review.objects.exists()
    assert not Event.objects.exists()


def test_the_shops_own_code_submits_too(books):
    review = shortcuts.submit_review(
        item=books[0], customer="7", rating=4, title="Sand", body="A lot of sand."
    )

    assert (review.item.key, review.item.title) == ("dune", "Dune")
    assert shortcuts.review_summary(books[0]).n_total == 1
    with pytest.raises(shortcuts.InvalidReview):
        shortcuts.submit_review(item=books[0], customer="8", rating=6, body="x")
    with pytest.raises(shortcuts.AlreadyReviewed):
        shortcuts.submit_review(item=books[0], customer="7", rating=4, body="Again.")


# -- pictures ---------------------------------------------------------------------------------
def test_a_picture_is_written_anew_without_what_it_told_about_its_maker(emma):
    exif = Image.Exif()
    exif[0x010F] = "ACME secret camera"
    exif[0x0112] = 6
    sent = photo(exif=exif.tobytes(), comment=b"secret comment", size=(60, 20))

    review = write(reader("ada"), emma, files=[sent])

    picture = ReviewPicture.objects.get(review=review)
    data = picture.file.read()
    assert b"secret" not in data
    stored = Image.open(io.BytesIO(data))
    assert (stored.format, stored.size) == ("JPEG", (20, 60))
    assert not stored.getexif()
    assert "cat" not in picture.file.name


def test_a_picture_waits_for_a_person_even_where_the_text_does_not(emma):
    review = write(reader("ada"), emma, files=[photo()])

    assert review.status == Status.PUBLISHED
    assert review.pictures.get().status == Status.HELD
    assert review.n_pictures == 0


def test_large_pictures_become_smaller(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "PICTURE_PIXELS": 100}

    encoded = pictures.encode(photo(size=(400, 200)))

    assert (encoded.width, encoded.height) == (100, 50)


def test_transparency_becomes_white():
    out = io.BytesIO()
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(out, "PNG")

    encoded = pictures.encode(SimpleUploadedFile("a.png", out.getvalue()))

    pixel = Image.open(io.BytesIO(encoded.data)).getpixel((1, 1))
    assert all(part > 250 for part in pixel)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("evil.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("evil.jpg", b"<html><script>alert(1)</script>"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("empty.jpg", b""),
        ("a.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"),
        ("a.pdf", b"%PDF-1.4"),
    ],
)
def test_what_is_no_picture_is_refused(emma, name, data):
    with pytest.raises(Invalid) as refused:
        write(reader("ada"), emma, files=[SimpleUploadedFile(name, data, "image/jpeg")])

    assert set(refused.value.faults) == {"pictures"}
    assert not Review.objects.exists()


def test_a_bomb_of_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)

    with pytest.raises(Invalid) as refused:
        pictures.encode(photo(size=(11, 10)))

    assert refused.value.faults["pictures"][0].code == "too_many_pixels"


def test_there_are_not_too_many_pictures_nor_too_large_ones(emma, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "REVIEW_PICTURES": 2, "PICTURE_MAX_BYTES": 10}

    with pytest.raises(Invalid) as many:
        write(reader("ada"), emma, files=[photo(), photo(), photo()])
    with pytest.raises(Invalid) as large:
        write(reader("ada"), emma, files=[photo()])

    assert many.value.faults["pictures"][0].code == "too_many"
    assert large.value.faults["pictures"][0].code == "too_large"


def test_the_same_picture_twice_is_one(emma):
    review = write(reader("ada"), emma, files=[photo(), photo("again.jpg")])

    assert review.pictures.count() == 1


def test_a_picture_goes_with_its_review(emma, django_capture_on_commit_callbacks):
    review = write(reader("ada"), emma, files=[photo()])
    file = review.pictures.get().file

    with django_capture_on_commit_callbacks(execute=True):
        review.delete()

    assert not file.storage.exists(file.name)


# -- others -----------------------------------------------------------------------------------
def test_an_item_that_is_not_shown_cannot_be_reviewed(emma):
    type(emma).objects.update(is_active=False)

    for key in ("emma", "no-such-book", "a\0b", ""):
        with pytest.raises(submit.UnknownItem):
            submit.find_item(key, channel="")


def test_nobody_finds_anothers_review_as_their_own(emma):
    review = published(emma, visitor_id=reader("ada").visitor_id)

    with pytest.raises(Review.DoesNotExist):
        submit.own(review.key, visitor_ids=reader("bob").visitor_ids)
    with pytest.raises(Review.DoesNotExist):
        submit.own(uuid.uuid4(), visitor_ids=reader("ada").visitor_ids)


def test_absurd_texts_are_refused_without_looking_at_them():
    faults = {}

    assert drafts.read_body("x" * 300_000, faults, least=1) == ""
    assert faults["body"][0].code == "too_long"
