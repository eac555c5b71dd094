"""Decision points, policies and the log of decisions as the shop's people use them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from engagement.flows.deciding import learning
from engagement.models import Decision, DecisionPoint, PolicyActivation, PolicyVersion
from tests import deciding
from tests.flows.test_deciding_evaluating import WORST

pytestmark = pytest.mark.django_db


def page(client, name, *args, **query):
    response = client.get(reverse(f"admin:engagement_{name}", args=args), query)
    assert response.status_code == 200, response
    return response.content.decode()


def form(**fields):
    return {
        "name": "cart.offer",
        "kind": "offers",
        "reward": "margin",
        "window_hours": "72",
        "hold_minutes": "60",
        "arms": "",
        "is_active": "on",
        **fields,
    }


@pytest.fixture
def point(rng):
    """A point with a log of today and yesterday: «popular» earns more."""
    point = deciding.make_point(window_hours=1)
    since = timezone.now() - timedelta(hours=20)
    deciding.make_decisions(
        point, 800, lambda arm, known: 0.5 if arm == "popular" else 0.1, rng=rng, since=since
    )
    learning.learn(point, at=timezone.now())
    return point


# -- points ---------------------------------------------------------------------------------
def test_a_point_is_made_with_a_policy_that_fits_its_reward(admin_client, admin_user):
    admin_client.post(reverse("admin:engagement_decisionpoint_add"), form())

    point = DecisionPoint.objects.get()
    row = PolicyActivation.objects.get()
    assert row.point == point
    assert row.activated_by == admin_user
    assert row.version.name == "v1"
    assert row.version.backend.endswith("HurdleThompson")
    assert row.version.features
    assert "v1 (HurdleThompson)" in page(admin_client, "decisionpoint_change", point.pk)
    assert "cart.offer" in page(admin_client, "decisionpoint_changelist")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "cart"}, "Write page.slot"),
        ({"policy": "counts"}, "takes rewards from 0 to 1"),
        ({"kind": "strategies", "arms": "one: for_you"}, "two arms at least"),
        ({"kind": "strategies", "arms": "one: nothing\ntwo:"}, "There is no strategy nothing"),
        ({"kind": "strategies", "arms": "one:\none:"}, "is there twice"),
        ({"kind": "strategies", "arms": ": for_you"}, "a line an arm"),
        ({"arms": "one: for_you"}, "The arms of offers are the offers"),
        ({"window_hours": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_point_that_makes_no_sense_is_refused(admin_client, fields, message):
    response = admin_client.post(reverse("admin:engagement_decisionpoint_add"), form(**fields))

    assert message in response.content.decode()
    assert not DecisionPoint.objects.exists()


def test_a_shelfs_arms_are_lines(admin_client):
    admin_client.post(
        reverse("admin:engagement_decisionpoint_add"),
        form(
            name="home.for_you", kind="strategies", reward="click",
            arms="personal: for_you, trending\nas it is:\n",
        ),
    )  # fmt: skip

    assert DecisionPoint.objects.get().arms == [
        {"name": "personal", "strategies": ["for_you", "trending"]},
        {"name": "as it is", "strategies": []},
    ]


def test_the_page_shows_how_the_arms_do(admin_client, point):
    text = page(admin_client, "decisionpoint_change", point.pk)

    assert text.count("data-eng-chart") == 2
    clicks = Decision.objects.filter(arm="popular", clicked_at__isnull=False).count()
    n = Decision.objects.filter(arm="popular").count()
    assert f"{100 * clicks / n:.2f} % (" in text
    assert "v1 (Uniform)" in text
    # What decisions were made for is not changed under them.
    assert 'name="reward"' not in text
    assert 'name="hold_minutes"' in text


def test_a_point_without_decisions_says_so(admin_client):
    point = deciding.make_point()

    assert "Nothing was decided here" in page(admin_client, "decisionpoint_change", point.pk)


def test_a_point_with_a_log_cannot_be_deleted(admin_client, point):
    url = reverse("admin:engagement_decisionpoint_delete", args=[point.pk])

    assert admin_client.post(url, {"post": "yes"}).status_code == 403
    listed = reverse("admin:engagement_decisionpoint_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [point.pk], "post": "yes"}
    admin_client.post(listed, chosen)
    assert DecisionPoint.objects.filter(pk=point.pk).exists()


def test_a_point_where_nothing_was_decided_goes_with_its_policies(admin_client):
    point = deciding.make_point()
    url = reverse("admin:engagement_decisionpoint_delete", args=[point.pk])

    admin_client.post(url, {"post": "yes"})

    assert not PolicyVersion.objects.exists()


# -- policies -------------------------------------------------------------------------------
def test_a_policy_is_set_up_judged_and_let_decide(admin_client, admin_user, point):
    admin_client.post(
        reverse("admin:engagement_policyversion_add"),
        {"point": point.pk, "policy": "contexts", "options": "{}", "note": "Who wants what"},
    )
    version = PolicyVersion.objects.get(name="v2")
    assert version.created_by == admin_user
    assert "It was not judged yet" in page(admin_client, "policyversion_change", version.pk)

    admin_client.post(reverse("admin:engagement_policyversion_evaluate", args=[version.pk]))
    text = page(admin_client, "policyversion_change", version.pk)
    assert "Better than what was shown" in text
    assert "as it was shown (v1)" in text
    assert text.count("data-eng-chart") == 1
    assert "better" in page(admin_client, "policyversion_changelist")

    url = reverse("admin:engagement_policyversion_activate", args=[version.pk])
    assert "Let it decide" in admin_client.get(url).content.decode()
    current = PolicyActivation.objects.latest("pk")
    response = admin_client.post(url, {"current": current.pk}, follow=True)
    assert "decides now" in response.content.decode()
    assert PolicyActivation.objects.latest("pk").version == version
    assert "Not live: v2" in page(
        admin_client, "policyversion_change", point.versions.get(name="v1").pk
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "Choose a policy, or name its backend"),
        ({"backend": "nowhere.Policy"}, "It cannot be built"),
        ({"policy": "contexts", "name": "v1"}, "has a policy of this name"),
        ({"backend": "engagement.learning.bandits.UCB1", "options": '{"x": 1}'}, "cannot be built"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(admin_client, point, fields, message):
    response = admin_client.post(
        reverse("admin:engagement_policyversion_add"),
        {"point": point.pk, "options": "{}", **fields},
    )

    assert message in response.content.decode()
    assert point.versions.count() == 1


def test_one_that_earns_less_needs_a_permission_of_its_own(client, django_user_model, point):
    version = deciding.make_version(point, WORST)
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    names = ("view_policyversion", "change_policyversion", "add_policyactivation")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(clerk)
    url = reverse("admin:engagement_policyversion_activate", args=[version.pk])
    current = PolicyActivation.objects.latest("pk").pk

    refused = client.post(url, {"current": current}).content.decode()
    assert "Worse than what was shown" in refused
    assert "all the same" not in refused
    assert client.post(url, {"current": current, "force": "yes"}).status_code == 403

    clerk.user_permissions.add(Permission.objects.get(codename="force_policy"))
    assert "all the same" in client.post(url, {"current": current}).content.decode()
    client.post(url, {"current": current, "force": "yes"})
    row = PolicyActivation.objects.latest("pk")
    assert (row.version, row.was_forced, row.activated_by) == (version, True, clerk)


def test_who_presses_after_somebody_else_changes_nothing(admin_client, point):
    version = deciding.make_version(point, deciding.LOGISTIC)
    url = reverse("admin:engagement_policyversion_activate", args=[version.pk])

    response = admin_client.post(url, {"current": "0"})

    assert "has changed meanwhile" in response.content.decode()
    assert PolicyActivation.objects.count() == 1


def test_back_to_the_policy_before(admin_client, point):
    deciding.go_live(deciding.make_version(point, deciding.LOGISTIC))
    url = reverse("admin:engagement_decisionpoint_roll_back", args=[point.pk])

    assert admin_client.get(url).status_code == 405
    response = admin_client.post(url, follow=True)

    assert "(Uniform) decides again" in response.content.decode()
    assert PolicyActivation.objects.latest("pk").version.name == "v1"
    assert "rolled back" in page(admin_client, "policyactivation_changelist")


# -- the log --------------------------------------------------------------------------------
def test_the_log_says_why_and_makes_the_decision_again(admin_client, point):
    row = Decision.objects.filter(clicked_at__isnull=False)[0]
    text = page(admin_client, "decision_change", row.pk)

    assert f"“{row.arm}” was drawn with a chance of 50.00 %" in text
    assert "on a phone" in text
    assert "Make the decision again" in text
    assert "the same chances" not in text
    assert "Made again: the same chances." in page(
        admin_client, "decision_change", row.pk, replay="yes"
    )
    assert "reward it expected" in page(admin_client, "decision_change", row.pk, replay="yes")
    Decision.objects.filter(pk=row.pk).update(probabilities=[0.9, 0.1])
    assert "other chances" in page(admin_client, "decision_change", row.pk, replay="yes")


def test_the_log_is_narrowed_to_what_came_of_it(admin_client, point):
    n = Decision.objects.filter(clicked_at__isnull=False).count()

    assert f"{n} " in page(admin_client, "decision_changelist", came="clicked")
    row = Decision.objects.latest("pk")
    assert page(admin_client, "decision_changelist", q=str(row.key)).count("field-decided_at") == 1
    assert (
        page(admin_client, "decision_changelist", q=row.visitor.key).count("field-decided_at") == 1
    )
    for came in ("open", "ordered", "nothing"):
        page(admin_client, "decision_changelist", came=came)


def test_the_log_is_nobodys_to_change(admin_client, point):
    row = Decision.objects.latest("pk")

    for name in ("decision_add", "policyactivation_add"):
        assert admin_client.get(reverse(f"admin:engagement_{name}")).status_code == 403
    url = reverse("admin:engagement_decision_change", args=[row.pk])
    assert admin_client.post(url, {"reward": "1"}).status_code == 403


def test_the_pages_are_not_for_everyone(client, django_user_model, point):
    client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
    version = point.versions.get()

    for name, args in (
        ("decisionpoint_changelist", ()),
        ("decisionpoint_change", (point.pk,)),
        ("policyversion_change", (version.pk,)),
        ("policyversion_activate", (version.pk,)),
        ("decision_changelist", ()),
    ):
        assert client.get(reverse(f"admin:engagement_{name}", args=args)).status_code == 403
    for name, pk in (
        ("policyversion_evaluate", version.pk),
        ("policyversion_activate", version.pk),
        ("decisionpoint_roll_back", point.pk),
    ):
        assert client.post(reverse(f"admin:engagement_{name}", args=[pk])).status_code == 403
