"""The moderators' queue in the admin: what it shows, what can be done, what it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from engagement.flows.reviews import moderating, moderators
from engagement.models import (
    Answer,
    ModerationDecision,
    Post,
    Review,
    ReviewLabel,
    ReviewPicture,
    Status,
)
from tests.moderation import answer, ask, fill, flag, picture, post, write

pytestmark = pytest.mark.django_db
SCRIPTED = {"x-requested-with": "XMLHttpRequest"}


def page(name, *args):
    return reverse(f"admin:engagement_review_{name}", args=args)


def look(client, query=""):
    response = client.get(page("queue") + query)
    assert response.status_code == 200
    return response


def rows(response):
    """Return what each row says, tags left out."""
    found = re.findall(r'<li class="eng-row.*?</article>', response.content.decode(), re.S)
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]


def value(review):
    """Return a row as the queue's forms name it."""
    return f"{review.status}~{review.updated_at.isoformat()}~review:{review.key}"


def decide(client, *reviews, scripted=False, **fields):
    data = {"chosen": [value(one) for one in reviews], "back": page("queue"), **fields}
    headers = SCRIPTED if scripted else {}
    return client.post(page("decide"), data, headers=headers, follow=not scripted)


def status(row):
    row.refresh_from_db()
    return row.status


def messages(response):
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def moderator(client, django_user_model):
    """Somebody with the rights of the moderators' group and no others, signed in."""
    user = django_user_model.objects.create_user("mo", password="x")
    moderators.make_group(add=["mo"])
    client.force_login(user)
    client.user = user
    return client


# -- what it shows --------------------------------------------------------------------------
def test_evidence_is_marked_and_everything_else_escaped(moderator):
    write(
        "Mail <b>me@example.org</b>",
        title="Hm",
        sentiment="negative",
        flags=[flag("PII", ("body", 8, 22), reason="email")],
    )

    shown = look(moderator).content.decode()

    assert "Mail &lt;b&gt;<mark" in shown
    assert "</span>me@example.org</mark>&lt;/b&gt;" in shown
    assert "It contains an e-mail address." in shown
    assert "90 %" in shown


def test_signs_that_turn_text_around_are_shown_instead_of_obeyed(moderator):
    write("good \u202eyler", title="\u2066x")

    shown = look(moderator).content.decode()

    assert "\u202e" not in shown
    assert "U+202E" in shown


def test_who_wrote_it_and_what_else_they_did_stands_beside_it(moderator):
    write("One", by="anna", status=Status.PUBLISHED)
    write("Two", by="anna", of="Emma", status=Status.REJECTED)
    write("Three", by="anna", of="Ubik", verified_purchase=True, author_name="Anna")
    write("Mine", by="new")

    three, mine = rows(look(moderator))

    assert "Anna · verified purchase" in three
    assert "1 published · 1 rejected · 1 waiting" in three
    assert "first review" in mine


def test_copies_are_shown_beside_each_other(moderator):
    original = write("Best soap ever, buy it", status=Status.PUBLISHED, by="a", author_name="Jane")
    write(
        "Best soap ever, buy it!",
        of="Emma",
        by="b",
        sentiment="positive",
        flags=[{**flag("DUP"), "about": {"like": [str(original.key)]}}],
    )

    (row,) = rows(look(moderator))

    assert "Nearly the same as 1 other" in row
    assert "Dune · Jane" in row


def test_every_kind_of_thing_stands_in_the_queue_and_its_tabs_count_them(moderator):
    review = write("Held", sentiment="negative")
    picture(write("Shown", status=Status.PUBLISHED, by="b"))
    post("awful", sentiment="negative")
    answer(ask("Is it long?"), "Very.")

    response = look(moderator)

    assert len(rows(response)) == 5
    tabs = {str(tab["text"]): tab["n"] for tab in response.context["tabs"]}
    assert tabs == {"Waiting": 5, "Published": 1, "Rejected": 0, "Withdrawn": 0, "All": None}
    assert f'data-eng-row="review:{review.key}"' in response.content.decode()


def test_an_empty_queue_says_so(moderator):
    assert "Nothing waits." in look(moderator).content.decode()
    assert "Nothing matches." in look(moderator, "?flag=PII").content.decode()


@pytest.mark.parametrize(
    "query", ["?page=abc", "?page=999", "?status=nonsense", "?kind=cow", "?author=x", "?rating=9"]
)
def test_an_address_that_makes_no_sense_still_opens_the_queue(moderator, query):
    write("Held")

    assert len(rows(look(moderator, query))) == 1


def test_pages_keep_the_filters(moderator):
    for n in range(30):
        write(f"Text {n}", by=f"r{n}", language="en" if n else "zh")

    response = look(moderator, "?q=Text&order=newest")

    assert len(rows(response)) == 25
    assert response.context["pages"].next.endswith("?q=Text&order=newest&page=2")
    assert len(rows(moderator.get(response.context["pages"].next))) == 5


# -- deciding without script ----------------------------------------------------------------
def test_approving_publishes_a_review_with_the_pictures_that_were_seen(moderator):
    review = write("Fine")
    seen, later = picture(review), picture(review)

    response = decide(moderator, review, do="approve", picture=[str(seen.key)])

    assert messages(response) == ["Approved."]
    assert status(review) == Status.PUBLISHED
    assert status(seen) == Status.PUBLISHED
    assert status(later) == Status.HELD
    assert rows(look(moderator))[0].startswith("picture:")


def test_rejecting_needs_a_reason_and_tells_it(moderator):
    review = write("Buy at rival.example")

    refused = decide(moderator, review, do="reject")
    assert messages(refused) == ["Choose a reason: its author is told why."]
    assert status(review) == Status.HELD

    decide(moderator, review, do="reject", reason="DBA", note="third time")
    assert status(review) == Status.REJECTED
    assert review.reasons == ["DBA"]
    decision = ModerationDecision.objects.get()
    assert (decision.moderator, decision.reason, decision.note) == (
        moderator.user,
        "DBA",
        "third time",
    )


def test_several_are_decided_about_at_once(moderator):
    first, second, third = (write(f"Text {n}", by=f"r{n}") for n in range(3))

    response = decide(moderator, first, second, do="reject", reason="SPM")

    assert messages(response) == ["2 rejected."]
    assert [status(one) for one in (first, second, third)] == ["rejected", "rejected", "held"]


def test_of_several_those_that_changed_meanwhile_stay_as_they_are(moderator):
    first, edited = write("One"), write("Two", by="b")
    before = value(edited)
    Review.objects.filter(pk=edited.pk).update(updated_at=timezone.now(), body="Other words")

    response = moderator.post(
        page("decide"), {"chosen": [value(first), before], "do": "approve"}, follow=True
    )

    assert messages(response) == ["Approved. This has changed since you looked at it."]
    assert status(first) == Status.PUBLISHED
    assert status(edited) == Status.HELD


def test_a_published_review_can_be_held_and_a_rejected_one_published(moderator):
    shown = write("Shown", status=Status.PUBLISHED)
    gone = write("Gone", status=Status.REJECTED, by="b")

    decide(moderator, shown, do="hold")
    decide(moderator, gone, do="approve")

    assert status(shown) == Status.HELD
    assert status(gone) == Status.PUBLISHED


def test_a_decision_is_taken_back_whole(moderator):
    review = write("Fine")
    seen = picture(review)
    decide(moderator, review, do="approve", picture=[str(seen.key)])
    decision = ModerationDecision.objects.get(subject_kind="review")

    mine = look(moderator).context["mine"]
    assert [one["pk"] for one in mine] == [decision.pk]
    response = moderator.post(
        page("decide"),
        {"chosen": mine[0]["ref"], "decision": decision.pk, "do": "undo"},
        follow=True,
    )

    assert messages(response) == ["Taken back."]
    assert status(review) == Status.HELD
    assert status(seen) == Status.HELD
    assert look(moderator).context["mine"] == []


def test_what_is_not_the_last_word_any_more_cannot_be_taken_back(moderator, admin_user):
    review = write("Fine")
    decide(moderator, review, do="approve")
    old = ModerationDecision.objects.get()
    looked = moderating.Looked("review", str(review.key), status=Status.PUBLISHED)
    moderating.act(looked, "reject", at=timezone.now(), moderator=admin_user, reason="SPM")

    response = moderator.post(
        page("decide"),
        {"chosen": f"review:{review.key}", "decision": old.pk, "do": "undo"},
        follow=True,
    )

    assert "Already moderated by admin" in messages(response)[0]
    assert status(review) == Status.REJECTED


def test_a_sentiment_that_is_wrong_becomes_training_data(moderator):
    review = write("Not bad at all", sentiment="negative")

    response = moderator.post(
        page("decide"),
        {"chosen": f"review:{review.key}", "label": "positive", "do": "label"},
        follow=True,
    )

    label = ReviewLabel.objects.get()
    assert (label.review, label.value, label.labelled_by) == (review, "positive", moderator.user)
    assert "positive corrected; the model said negative" in rows(response)[0]


def test_an_aspect_that_was_read_wrong_becomes_training_data(moderator):
    review = write("The delivery was not bad at all", sentiment="positive")
    said = {"aspect": "delivery", "polarity": -0.9, "quote": "The delivery", "start": 0, "end": 12}
    review.analysis.aspects = [said]
    review.analysis.save()
    ref = f"review:{review.key}"

    response = moderator.post(
        page("decide"),
        {"chosen": ref, "aspect": "delivery", "label": "positive", "do": "label"},
        follow=True,
    )

    label = ReviewLabel.objects.get()
    assert (label.field, label.value) == ("aspect:delivery", "positive")
    assert "delivery (positive, corrected)" in rows(response)[0]

    response = moderator.post(
        page("decide"),
        {"chosen": ref, "aspect": "price", "label": "positive", "do": "label"},
        follow=True,
    )
    assert ReviewLabel.objects.count() == 1


def test_a_post_is_dealt_with_and_taken_up_again(moderator):
    one = post("awful", sentiment="negative")
    ref = f"post:{one.key}"

    moderator.post(page("decide"), {"chosen": ref, "do": "approve"})
    assert Post.objects.get().handled_by == moderator.user
    assert rows(look(moderator)) == []
    moderator.post(page("decide"), {"chosen": ref, "do": "undo", "decision": "post"})
    assert len(rows(look(moderator))) == 1


def test_questions_are_approved_and_answered_as_the_shop(moderator):
    question = ask("Is it long?")

    response = moderator.post(
        page("reply", f"question:{question.key}"), {"text": "600 pages.", "do": "reply"}
    )

    assert response.status_code == 302
    assert Answer.objects.get().body == "600 pages."
    assert status(question) == Status.PUBLISHED


@pytest.mark.parametrize(
    "data",
    [
        {"do": "approve"},
        {"do": "approve", "chosen": "cow:1"},
        {"do": "approve", "chosen": "review:not-a-key"},
        {"do": "approve", "chosen": "~~"},
        {"do": "explode", "chosen": "review:00000000-0000-0000-0000-000000000000"},
        {"do": "undo", "chosen": "review:00000000-0000-0000-0000-000000000000", "decision": "x"},
        {"do": "label", "chosen": "review:00000000-0000-0000-0000-000000000000", "label": "odd"},
        {"do": "approve", "chosen": "review:00000000-0000-0000-0000-000000000000"},
        {"do": "undo", "chosen": "review:00000000-0000-0000-0000-000000000000", "decision": "1"},
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing_and_says_so(moderator, data):
    review = write("Held")

    response = moderator.post(page("decide"), data, follow=True)

    assert response.status_code == 200
    assert len(messages(response)) == 1
    assert status(review) == Status.HELD


def test_a_form_leads_back_to_its_own_page_and_nowhere_else(moderator):
    def back(to):
        data = {"chosen": value(write("x", by=to)), "do": "approve", "back": to}
        return moderator.post(page("decide"), data).url

    assert back(page("queue") + "?page=2") == page("queue") + "?page=2"
    assert back("https://evil.example/") == page("queue")
    assert back("//evil.example/") == page("queue")


# -- with script ----------------------------------------------------------------------------
def test_a_script_gets_the_row_as_it_is_now_and_how_many_wait(moderator):
    review, _other = write("Fine", title="Good"), write("Later", by="b")

    response = decide(moderator, review, do="approve", scripted=True)

    shown = response.content.decode()
    assert '<p data-eng-said data-level="success">Approved.</p>' in shown
    assert "<span data-eng-left>1</span>" in shown
    assert f'data-eng-row="review:{review.key}" data-eng-open="" data-eng-undo="1"' in shown
    assert rows(response) == [
        "review: ★★★☆☆ Good published Dune · without a name"
        + rows(response)[0].partition("Dune · without a name")[2]
    ]


def test_who_comes_too_late_is_told_who_was_quicker(moderator, admin_user):
    review = write("Fine")
    seen = value(review)
    looked = moderating.Looked("review", str(review.key))
    moderating.act(looked, "reject", at=timezone.now(), moderator=admin_user, reason="SPM")

    response = moderator.post(page("decide"), {"chosen": seen, "do": "approve"}, headers=SCRIPTED)

    assert "Already moderated by admin" in rows(response)[0]
    assert 'data-level="warning"' in response.content.decode()
    assert status(review) == Status.REJECTED
    assert ModerationDecision.objects.count() == 1


def test_a_page_that_is_open_learns_what_others_decided(moderator, admin_user):
    decided, waiting = write("One", title="First"), write("Two", by="b")
    looked = moderating.Looked("review", str(decided.key))
    moderating.act(looked, "approve", at=timezone.now(), moderator=admin_user)

    refs = [f"review:{decided.key}", f"review:{waiting.key}", "cow:1", "review:nonsense"]
    response = moderator.get(page("states"), {"ref": refs})

    assert len(rows(response)) == 1
    assert "First: published by admin" in response.content.decode()


# -- who may --------------------------------------------------------------------------------
PAGES = ("queue", "triage", "figures", "alerts", "states")


@pytest.mark.parametrize("name", PAGES)
def test_pages_open_for_moderators_and_for_nobody_else(client, django_user_model, name):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    assert client.get(page(name)).status_code == 302
    client.force_login(clerk)
    assert client.get(page(name)).status_code == 403
    moderators.make_group(add=["clerk"])
    assert client.get(page(name)).status_code == 200


def test_who_may_only_look_decides_nothing(client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_review"))
    client.force_login(clerk)
    review = write("Held", sentiment="negative")

    shown = look(client).content.decode()
    answered = client.post(page("decide"), {"chosen": value(review), "do": "approve"})
    replied = client.post(page("reply", f"review:{review.key}"), {"text": "x"})

    assert '<form method="post" action="' + page("decide") not in shown
    assert (answered.status_code, replied.status_code) == (403, 403)
    assert status(review) == Status.HELD


def test_moderators_reach_nothing_else(moderator):
    for name in ("event", "visitor", "modelartifact", "placement", "item"):
        url = reverse(f"admin:engagement_{name}_changelist")
        assert moderator.get(url).status_code == 403


def test_what_customers_wrote_is_nobodys_to_edit(admin_client):
    review = write("Mine")
    url = reverse("admin:engagement_review_change", args=[review.pk])

    admin_client.post(url, {"body": "Yours", "rating": "5"})

    review.refresh_from_db()
    assert (review.body, review.rating) == ("Mine", 3)
    assert "Open it in the queue" in admin_client.get(url).content.decode()
    assert admin_client.get(reverse("admin:engagement_review_add")).status_code == 403
    gone = reverse("admin:engagement_review_delete", args=[review.pk])
    assert admin_client.post(gone, {"post": "yes"}).status_code == 403


def test_the_group_is_made_by_a_command_and_can_be_repaired(django_user_model):
    django_user_model.objects.create_user("mo")
    said = StringIO()

    call_command("engagement_moderators", "--add", "mo", stdout=said)
    group = Group.objects.get()
    group.permissions.add(Permission.objects.get(codename="delete_review"))
    call_command("engagement_moderators", stdout=said)

    names = set(group.permissions.values_list("codename", flat=True))
    assert names == set(moderators.RIGHTS)
    assert django_user_model.objects.get().is_staff
    assert "Review moderators: 1 member." in said.getvalue()
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("engagement_moderators", "--add", "nobody")


# -- what it costs --------------------------------------------------------------------------
def test_a_page_costs_the_same_whatever_stands_in_it(moderator):
    now = timezone.now()

    def cost():
        with CaptureQueriesContext(
            connection,
        ) as found:
            look(moderator)
        return len(found)

    def add(n):
        for i in range(n):
            review = write(
                f"Text {n} {i}",
                by=f"{n}-{i}",
                sentiment="negative",
                n_reports=1,
                flags=[flag("PII", ("body", 0, 3))],
                at=now - timedelta(hours=i),
            )
            picture(review)
            post(f"bad {i}", sentiment="negative")
            answer(ask(f"Long {i}?"), "Yes")

    add(2)
    look(moderator)
    few = cost()
    add(6)

    assert cost() == few
    assert few <= 32


def test_a_long_queue_costs_no_more_queries(moderator):
    fill(60, until=timezone.now(), n_items=5, n_authors=20)
    look(moderator)

    with CaptureQueriesContext(connection) as found:
        response = look(moderator, "?flag=PII&order=worst&page=2")

    assert len(rows(response)) == 5
    assert len(found) <= 32
    assert ReviewPicture.objects.count() == 0
