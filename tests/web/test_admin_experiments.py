"""The dashboard and experiments as the shop's people use them."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from engagement.flows.metrics import making
from engagement.models import Event, EventName, Experiment, Visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def days():
    at = timezone.now()
    for n in range(3):
        who = Visitor.objects.create(key=f"a{n:032x}")
        for name in (EventName.VIEW_ITEM, EventName.ADD_TO_CART):
            Event.objects.create(
                key=f"00000000-0000-0000-0000-{n:04}{name:08}",
                visitor=who,
                event=name,
                event_time=at - timedelta(days=n),
            )
    making.make(channel="", at=at)


def test_the_dashboard_shows_figures_as_charts_and_tables(admin_client, days):
    page = admin_client.get(reverse("admin:engagement_dashboard"), {"days": "7"})

    text = page.content.decode()
    assert page.status_code == 200
    assert "What does all this earn?" in text
    assert text.count("data-eng-chart") >= 8
    assert "Nobody is held out" in text


def test_the_dashboard_with_a_hold_out(admin_client, days, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "HOLDOUT_SHARE": 0.5}

    page = admin_client.get(reverse("admin:engagement_dashboard"))

    assert "too few visitors to say" in page.content.decode()


def test_figures_can_be_taken_away_as_csv(admin_client, days):
    page = admin_client.get(reverse("admin:engagement_dashboard"), {"format": "csv", "days": "7"})

    lines = page.content.decode().splitlines()
    assert lines[0].startswith("day,visitors,week,month")
    assert len(lines) == 8


def test_the_dashboard_is_not_for_everyone(client):
    assert client.get(reverse("admin:engagement_dashboard")).status_code == 302
    assert client.get(reverse("engagement:figures")).status_code in (401, 403)


def test_staff_read_figures_as_json(admin_client, days):
    answer = admin_client.get(reverse("engagement:figures")).json()

    by_name = {one["name"]: one for one in answer["figures"]}
    assert len(answer["days"]) == 30
    assert by_name["week"]["values"][-1] == 3
    assert by_name["visitors"]["uplift"] is None


def test_an_experiment_is_made_started_and_stopped(admin_client):
    admin_client.post(
        reverse("admin:engagement_experiment_add"),
        {
            "name": "shelf",
            "placement": "home.for_you",
            "share": "0.5",
            "decision_metric": "revenue",
            "guard_rails": ["conversion"],
            "variants-TOTAL_FORMS": "2",
            "variants-INITIAL_FORMS": "0",
            "variants-0-name": "today",
            "variants-0-weight": "1",
            "variants-0-position": "0",
            "variants-1-name": "popular",
            "variants-1-weight": "1",
            "variants-1-position": "1",
            "variants-1-strategies": "best_sellers, newest",
        },
    )
    row = Experiment.objects.get()
    page = reverse("admin:engagement_experiment_change", args=[row.pk])
    assert "Not started yet" in admin_client.get(page).content.decode()

    admin_client.post(reverse("admin:engagement_experiment_start", args=[row.pk]))
    row.refresh_from_db()
    assert row.status == "running"
    assert row.variants.last().strategies == ["best_sellers", "newest"]
    assert "Too early to say" in admin_client.get(page).content.decode()

    refused = admin_client.post(page, {"share": "0.2"})
    assert "throw visitors out" in refused.content.decode()

    admin_client.post(reverse("admin:engagement_experiment_stop", args=[row.pk]))
    row.refresh_from_db()
    assert row.status == "stopped"
    assert admin_client.get(page).status_code == 200


def test_what_is_not_ready_says_why(admin_client):
    row = Experiment.objects.create(name="half")

    answer = admin_client.post(
        reverse("admin:engagement_experiment_start", args=[row.pk]), follow=True
    )

    assert "two variants at least" in answer.content.decode()
