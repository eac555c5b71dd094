"""A client cannot invent where something was shown, to whom, or when."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from engagement.flows.collecting import tokens
from engagement.flows.collecting.identity import Claim, Person

ADA = Person("", "a" * 33, "", None, True, False)
BOB = Person("", "b" * 33, "", None, True, False)


def issue(at, person=ADA, placement="home.for_you", artifact_id=12):
    return tokens.issue(placement=placement, artifact_id=artifact_id, person=person, at=at)


def test_a_token_says_what_it_was_made_for(at):
    shelf = tokens.verify(issue(at), person=ADA, at=at)

    assert (shelf.placement, shelf.artifact_id) == ("home.for_you", 12)
    assert 0 < len(shelf.recommendation_id) <= 32


def test_a_fallback_shelf_has_no_model(at):
    assert tokens.verify(issue(at, artifact_id=None), person=ADA, at=at).artifact_id is None


def test_two_shelves_have_two_ids(at):
    one, two = (tokens.verify(issue(at), person=ADA, at=at) for _ in range(2))

    assert one.recommendation_id != two.recommendation_id


def test_tokens_are_short_and_fit_into_an_address(at):
    token = issue(at, placement="p" * 31 + "." + "s" * 32, artifact_id=2**62)

    assert len(token) <= 200
    assert re.fullmatch(r"[A-Za-z0-9_.\-]+", token)


def test_a_name_that_is_too_long_is_refused(at):
    with pytest.raises(ValueError, match="too long"):
        issue(at, placement="p" * 150)


def test_another_visitor_cannot_use_it(at):
    with pytest.raises(tokens.InvalidToken) as refused:
        tokens.verify(issue(at), person=BOB, at=at)

    assert refused.value.code == "forged"


def test_nobody_cannot_use_somebodys(at):
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(issue(at), person=None, at=at)


def test_it_survives_signing_in(at):
    signed_in = Person("", ADA.key, "c" * 41, 1, True, False)

    assert tokens.verify(issue(at), person=signed_in, at=at)


def test_a_customers_token_is_no_good_after_signing_out(at):
    signed_in = Person("", ADA.key, "c" * 41, 1, True, False)

    with pytest.raises(tokens.InvalidToken):
        tokens.verify(issue(at, person=signed_in), person=ADA, at=at)


@pytest.mark.parametrize(
    "person",
    [
        None,
        Person("", "", "", None, False, False, refusal="no_consent"),
        Person("", "n" * 33, "", None, True, False, claim=Claim(minted=True)),
    ],
)
def test_shelves_shown_to_nobody_in_particular_can_be_clicked_by_anyone(at, person):
    token = issue(at, person=person)

    assert tokens.verify(token, person=BOB, at=at)
    assert person is None or not person.claim.used


@pytest.mark.parametrize(
    ("age", "code"),
    [
        (timedelta(days=8), "expired"),
        (timedelta(hours=-1), "expired"),
        (timedelta(days=6), ""),
        (timedelta(minutes=-2), ""),
    ],
)
def test_tokens_grow_old(at, age, code):
    token = issue(at - age)
    if not code:
        assert tokens.verify(token, person=ADA, at=at)
        return
    with pytest.raises(tokens.InvalidToken) as refused:
        tokens.verify(token, person=ADA, at=at)
    assert refused.value.code == code


@pytest.mark.parametrize("made_up", ["", ".", "a.b", "abc", "é.é", "x" * 300, ".." * 50, "\ud800."])
def test_what_we_did_not_make_is_refused(at, made_up):
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(made_up, person=ADA, at=at)


def test_a_changed_token_is_refused(at):
    token = issue(at)
    for position in range(0, len(token), 7):
        letter = "A" if token[position] != "A" else "B"
        with pytest.raises(tokens.InvalidToken):
            tokens.verify(token[:position] + letter + token[position + 1 :], person=ADA, at=at)


def test_a_new_secret_key_leaves_the_old_ones_tokens_valid(at, settings):
    token = issue(at)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"

    assert tokens.verify(token, person=ADA, at=at)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(tokens.InvalidToken):
        tokens.verify(token, person=ADA, at=at)


def test_the_signature_is_djangos(settings):
    """Ids that pages hold already stay good."""
    from django.utils.crypto import salted_hmac

    for secret in (settings.SECRET_KEY, b"bytes"):
        wanted = salted_hmac(
            "engagement.recommendation", "body.who", secret=secret, algorithm="sha256"
        ).digest()
        assert tokens._signature("body", "who", secret) == tokens._encode(wanted[:16])
