"""What an operator sees: tables, exit codes, and one line instead of a traceback."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from engagement.conf import app_settings
from engagement.flows.importing.backfill import backfill
from engagement.flows.locks import lock
from engagement.flows.training import artifacts
from engagement.models import ModelArtifact
from tests.othershop import catalogue

pytestmark = pytest.mark.django_db


@pytest.fixture
def readers(db):
    """The bookshop's sales, up to now: commands read the clock."""
    now = timezone.now()
    shop = catalogue.make_bookshop(until=now)
    backfill(channel="", at=now)
    return shop


def run(*command, **options):
    out, err = StringIO(), StringIO()
    call_command(*command, stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_training_prints_what_was_compared_and_what_went_live(readers):
    out, err = run("engagement_train", "--alias", "for_you")
    assert "EASE" in out
    assert "ItemKNN" in out
    assert "last week's best sellers" in out
    assert "Live: model " in out
    assert err == ""


def test_training_without_an_alias_trains_all(readers):
    out, _ = run("engagement_train", verbosity=0)
    # Which of them beats the best sellers of so small a shop is partly chance.
    assert [line for line in out.splitlines() if line in app_settings.RECOMMENDERS] == list(
        app_settings.RECOMMENDERS
    )
    trained = ModelArtifact.objects.values_list("alias", flat=True)
    assert sorted(trained) == sorted(app_settings.RECOMMENDERS)
    assert artifacts.live("for_you", channel="") is not None
    assert "nDCG" not in out


def test_training_says_why_a_model_stays_back(readers, settings):
    settings.ENGAGEMENT = {
        **settings.ENGAGEMENT,
        "RECOMMENDERS": {"for_you": {"CANDIDATES": [{"BACKEND": "tests.flows.test_train.Silent"}]}},
    }
    out, _ = run("engagement_train")
    assert "Kept, not live" in out
    assert "not better than last week's best sellers" in out


def test_an_empty_shop_is_an_error_without_a_traceback(db):
    with pytest.raises(CommandError, match="stays live"):
        run("engagement_train", "--alias", "for_you")
    with pytest.raises(CommandError, match="Not evaluated: for_you"):
        run("engagement_evaluate", "--alias", "for_you")


def test_an_unknown_alias_is_an_error_that_names_the_known_ones(db):
    for command in ("engagement_train", "engagement_evaluate"):
        with pytest.raises(CommandError, match="there are: for_you, similar"):
            run(command, "--alias", "fuer_dich")


def test_a_training_that_runs_already_is_left_to_the_other(readers):
    with lock("train::for_you", seconds=60):
        _, err = run("engagement_train", "--alias", "for_you")
    assert "another process is training it" in err


def test_evaluation_prints_a_table_with_intervals(readers):
    out, _ = run("engagement_evaluate", "--alias", "for_you", "--holdout-days", "7")
    lines = out.splitlines()
    assert "36 questions of the last 7 days" in out
    for name in ("EASE", "ItemKNN", "last week's best sellers"):
        assert any(line.startswith(name) and "–" in line for line in lines)
    assert "New items only" in out
    assert not ModelArtifact.objects.exists()


def test_evaluation_speaks_json(readers):
    out, _ = run("engagement_evaluate", "--json")
    found = json.loads(out)
    assert set(found) == set(app_settings.RECOMMENDERS)
    assert found["for_you"]["models"]["EASE"]["ndcg@10"] > 0
    assert list(found["buy_again"]["questions"]) == ["all"]


@pytest.mark.parametrize("days", ["0", "-3", "soon", "nan"])
def test_a_span_that_is_none_is_refused(days):
    with pytest.raises(CommandError, match="holdout-days"):
        run("engagement_evaluate", f"--holdout-days={days}")


@pytest.fixture
def models(readers):
    run("engagement_train", "--alias", "for_you", verbosity=0)
    run("engagement_train", "--alias", "for_you", verbosity=0)
    return list(ModelArtifact.objects.order_by("pk"))


def test_rolling_back_by_command(models):
    out, _ = run("engagement_rollback", "for_you")
    assert f"Live: for_you #{models[0].pk}" in out
    assert artifacts.live("for_you", channel="") == models[0]
    with pytest.raises(CommandError, match="No earlier model"):
        run("engagement_rollback", "for_you")
    run("engagement_rollback", "for_you", "--to", str(models[1].pk))
    assert artifacts.live("for_you", channel="") == models[1]


def test_the_models_there_are_are_listed(models):
    out, _ = run("engagement_rollback", "for_you", "--list")
    newest, oldest = out.splitlines()
    assert newest.endswith("live")
    assert oldest.endswith("previous")
    with pytest.raises(CommandError, match="no model of 'similar'"):
        run("engagement_rollback", "similar", "--list")


def test_a_damaged_or_unknown_model_is_refused(models):
    ModelArtifact.objects.filter(pk=models[0].pk).update(manifest_sha256="0" * 64)
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("engagement_rollback", "for_you")
    with pytest.raises(CommandError, match="has no model 99999"):
        run("engagement_rollback", "for_you", "--to", "99999")
    assert artifacts.live("for_you", channel="") == models[1]


def test_the_newest_day_may_be_long_ago(readers):
    """Imported data of another year are compared on their own last days."""
    from engagement.models import Event

    for event in Event.objects.all():
        event.event_time -= timedelta(days=3000)
        event.save()
    out, _ = run("engagement_train", "--alias", "for_you")
    assert "Live: model " in out
