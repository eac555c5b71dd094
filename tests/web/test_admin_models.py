"""Models in the admin: how good they are, making one live, going back."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.core.files.storage import storages
from django.urls import reverse
from django.utils import timezone

from engagement.flows.training import artifacts, dataset
from engagement.learning.recommenders import ItemKNN
from engagement.models import Activation, ModelArtifact
from tests.othershop.catalogue import make_event, make_item


def page(name, *args):
    return reverse(f"admin:engagement_{name}", args=args)


def metrics(winner, baseline=0.15):
    return {
        "holdout_days": 28,
        "baseline": "MostPopular",
        "winner": "ItemKNN",
        "models": {
            "ItemKNN": {"ndcg@10": winner, "recall@10": 0.3},
            "MostPopular": {"ndcg@10": baseline, "recall@10": 0.2},
        },
        "cleaning": {"staff": 3, "bots": 12},
        "failures": {"EASE": "MemoryError"},
    }


@pytest.fixture
def trained(db):
    """Three trainings of one alias on the same log, the second one live."""
    now = timezone.now()
    items = [make_item(title) for title in ("Dune", "Emma", "Ulysses")]
    for reader in range(4):
        for item in items[: 2 + reader % 2]:
            make_event(f"reader-{reader}", item, at=now - timedelta(days=1))
    data = dataset.load(channel="", until=now)
    made = [
        artifacts.store(
            ItemKNN(n_neighbours=2).fit(data.interactions),
            channel="",
            alias="for_you",
            dataset=data,
            metrics=metrics(winner),
            verdict="passed" if winner > 0.15 else "lost",
            at=now - timedelta(days=3 - i),
            seconds=1.5,
        )
        for i, winner in enumerate((0.2, 0.25, 0.1))
    ]
    for artifact in made[:2]:
        artifacts.activate(artifact, at=artifact.trained_at, reason="trained")
    return made


def live():
    return Activation.objects.live().get(alias="for_you").artifact


def press(client, action, artifact):
    """Open the confirmation and press its button; return the answer's messages."""
    url = page(f"modelartifact_{action}", artifact.pk)
    return confirm(client, url, client.get(url))


def confirm(client, url, shown):
    answer = client.post(url, {"current": token(shown)}, follow=True)
    return " ".join(str(message) for message in answer.context["messages"])


def token(shown):
    return re.search(r'name="current" value="(\d*)"', shown.content.decode()).group(1)


def chart(response, key):
    found = re.search(
        rf'<script id="{key}" type="application/json">(.*?)</script>', response.content.decode()
    )
    return json.loads(found.group(1))


# -- looking --------------------------------------------------------------------------------
def test_the_list_says_what_is_live_and_how_good_it_is(trained, admin_client):
    content = admin_client.get(page("modelartifact_changelist")).content.decode()

    row = re.search(rf"<tr>(?:(?!</tr>).)*for_you #{trained[1].pk} .*?</tr>", content, re.S)
    text = " ".join(re.sub(r"<[^>]+>", " ", row.group(0)).split())
    assert f"for_you #{trained[1].pk} (ItemKNN) live passed 0.2500 0.1500 +66.7 %" in text
    assert content.count('eng-badge-live">live<') == 1
    assert "−33.3 %" in content


def test_a_list_of_more_models_costs_no_more_queries(
    trained, admin_client, django_assert_max_num_queries
):
    url = page("modelartifact_changelist")
    admin_client.get(url)

    with django_assert_max_num_queries(6):
        admin_client.get(url)


def test_a_blend_is_shown_with_its_members_and_what_would_unlock_more(trained, admin_client):
    artifact = trained[1]
    artifact.metrics |= {
        "gate": {"days": 14.0, "questions": 321, "models": {"ItemKNN": {"ndcg@10": 0.2}}},
        "gain": {"mean": 0.05, "low": 0.01, "high": 0.09},
        "members": {
            "popular": {"gain": 0.1, "proposed": 0.4, "alone": 0.02},
            "linear": {"gain": 0.3, "proposed": 0.57, "alone": 0.03},
        },
        "features": {"pair.count": 0.2},
        "missing": [{"code": "prices", "have": 12, "need": 50}],
    }
    artifact.save()

    content = admin_client.get(page("modelartifact_change", artifact.pk)).content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", content).split())

    assert "The later 14 days decided, with 321 questions" in text
    assert "leads last week's best sellers there by 0.0500 (0.0100 to 0.0900)" in text
    assert "linear 30 % 57 % 3 % popular 10 % 40 % 2 %" in text
    assert "It listens most to: pair.count 20 %" in text
    assert "12 % of the items have a price" in text


def test_a_model_is_shown_against_the_best_sellers(trained, admin_client):
    response = admin_client.get(page("modelartifact_change", trained[1].pk))

    content = response.content.decode()
    assert "ItemKNN reached ndcg@10 0.2500; best sellers 0.1500 (+66.7 %)." in content
    assert "Measured on the last 28 days" in content
    assert content.index(">machines<") < content.index(">the shop&#x27;s own people<")
    assert "EASE</strong>: MemoryError" in content
    bars = chart(response, "eng-comparison")
    assert bars["labels"] == ["ItemKNN (winner)", "last week's best sellers (to beat)"]
    assert bars["series"][0]["values"] == [0.25, 0.15]
    lines = chart(response, "eng-history")
    assert [series["values"] for series in lines["series"]] == [[0.2, 0.25, 0.1], [0.15] * 3]
    # The same numbers for those who cannot see a canvas.
    assert '<td class="eng-number">0.2500</td>' in content


def test_intervals_are_drawn_where_they_were_measured(trained, admin_client):
    measured = metrics(0.25)
    measured["models"]["ItemKNN"] |= {"ndcg@10_low": 0.22, "ndcg@10_high": 0.28}
    ModelArtifact.objects.filter(pk=trained[1].pk).update(metrics=measured)

    response = admin_client.get(page("modelartifact_change", trained[1].pk))

    series = chart(response, "eng-comparison")["series"][0]
    assert (series["low"], series["high"]) == ([0.22, None], [0.28, None])
    assert "0.2500 (0.2200 – 0.2800)" in response.content.decode()


@pytest.mark.parametrize("stored", [{}, {"models": None}, {"models": {"X": {"ndcg@10": None}}}])
def test_a_model_without_metrics_can_be_looked_at(trained, admin_client, stored):
    ModelArtifact.objects.update(metrics=stored, verdict="untested")

    assert admin_client.get(page("modelartifact_changelist")).status_code == 200
    content = admin_client.get(page("modelartifact_change", trained[0].pk)).content.decode()
    assert "Nothing was measured" in content


@pytest.mark.parametrize(
    ("language", "said"), [("en", "on the last 7.3 days"), ("zh-hans", "最后 7.3 天")]
)
def test_a_short_log_holds_out_parts_of_days(trained, admin_client, language, said):
    artifact = trained[0]
    artifact.metrics["holdout_days"] = 7.33
    artifact.save()

    url = page("modelartifact_change", artifact.pk)
    content = admin_client.get(url, headers={"accept-language": language}).content.decode()

    assert said in content


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_pages_of_models_speak_two_languages(trained, admin_client, language):
    for name in ("change", "activate", "roll_back"):
        url = page(f"modelartifact_{name}", trained[0].pk)
        response = admin_client.get(url, headers={"accept-language": language})
        assert response.status_code == 200
        assert f'lang="{language}"' in response.content.decode()


def test_models_can_only_be_read(trained, admin_client):
    assert admin_client.get(page("modelartifact_add")).status_code == 403
    assert admin_client.get(page("modelartifact_delete", trained[0].pk)).status_code == 403
    assert admin_client.post(page("modelartifact_change", trained[0].pk), {}).status_code == 403
    assert admin_client.get(page("activation_add")).status_code == 403


# -- acting ---------------------------------------------------------------------------------
def test_a_model_is_activated_by_hand(trained, admin_client, admin_user):
    said = press(admin_client, "activate", trained[2])

    assert "is live now" in said
    assert live() == trained[2]
    activation = Activation.objects.live().get()
    assert (activation.activated_by, activation.reason) == (admin_user, "by hand")
    for language, said in (("en", "by hand"), ("zh-hans", "手动")):
        headers = {"accept-language": language}
        log = admin_client.get(page("activation_changelist"), headers=headers)
        assert said in log.content.decode()


def test_a_model_that_lost_says_so_before_it_goes_live(trained, admin_client):
    asked = admin_client.get(page("modelartifact_activate", trained[2].pk)).content.decode()

    assert "This model lost against last week" in asked
    assert "ItemKNN reached ndcg@10 0.1000" in asked


def test_rolling_back_makes_the_model_before_live(trained, admin_client, admin_user):
    press(admin_client, "roll_back", trained[1])

    assert live() == trained[0]
    assert Activation.objects.live().get().activated_by == admin_user


def test_there_is_nothing_to_go_back_to_from_the_first_model(trained, admin_client):
    Activation.objects.exclude(artifact=trained[0]).delete()
    url = page("modelartifact_roll_back", trained[0].pk)
    assert "no earlier model" in admin_client.get(url).content.decode()

    admin_client.post(url, {"current": Activation.objects.get().pk})

    assert Activation.objects.count() == 1


@pytest.mark.parametrize("action", ["activate", "roll_back"])
def test_pressing_twice_does_it_once(trained, admin_client, action):
    url = page(f"modelartifact_{action}", trained[2].pk)
    asked = admin_client.get(url)

    confirm(admin_client, url, asked)
    n, first = Activation.objects.count(), live()
    said = confirm(admin_client, url, asked)

    assert "has changed meanwhile" in said
    assert (Activation.objects.count(), live()) == (n, first)


def test_what_is_live_already_is_not_activated_again(trained, admin_client):
    asked = admin_client.get(page("modelartifact_activate", trained[1].pk))
    assert "live already" in asked.content.decode()

    current = Activation.objects.live().get().pk
    admin_client.post(page("modelartifact_activate", trained[1].pk), {"current": current})

    assert Activation.objects.count() == 2


@pytest.mark.parametrize("action", ["activate", "roll_back"])
def test_a_damaged_model_is_refused_with_the_reason(trained, admin_client, action):
    target = trained[0]
    folder = storages["engagement"]
    name = next(name for name in folder.listdir(target.path)[1] if name.endswith(".npy"))
    with open(folder.path(f"{target.path}/{name}"), "r+b") as file:
        file.truncate(10)

    said = press(admin_client, action, target)

    assert "Nothing was changed" in said
    assert name in said
    assert live() == trained[1]


def test_a_look_changes_nothing(trained, admin_client):
    for action in ("activate", "roll_back"):
        admin_client.get(page(f"modelartifact_{action}", trained[0].pk))

    assert live() == trained[1]


def test_who_may_activate(trained, client, django_user_model):
    clerk = django_user_model.objects.create_user("clerk", is_staff=True)
    url = page("modelartifact_activate", trained[2].pk)
    assert client.get(url).status_code == 302
    client.force_login(clerk)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_modelartifact"))

    current = Activation.objects.live().get().pk
    assert client.get(url).status_code == 403
    assert client.post(url, {"current": current}).status_code == 403
    shown = client.get(page("modelartifact_change", trained[2].pk)).content.decode()
    assert url not in shown
    assert live() == trained[1]

    clerk.user_permissions.add(Permission.objects.get(codename="add_activation"))
    press(client, "activate", trained[2])
    assert live() == trained[2]


def test_the_action_of_the_list_takes_one_model(trained, admin_client):
    url = page("modelartifact_changelist")
    chosen = {"action": "activate_selected", "_selected_action": [trained[2].pk]}

    response = admin_client.post(url, chosen)
    assert response.url == page("modelartifact_activate", trained[2].pk)

    chosen["_selected_action"] = [one.pk for one in trained]
    said = admin_client.post(url, chosen, follow=True)
    assert "Choose one model" in said.content.decode()


def test_without_registration_there_are_no_pages(settings):
    from django.contrib.admin import AdminSite

    from engagement.admin import PAGES, register

    site = AdminSite(name="mine")
    assert not any(site.is_registered(model) for model in PAGES)

    register(site)

    assert all(site.is_registered(model) for model in PAGES)
