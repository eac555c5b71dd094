from datetime import timedelta

import pytest

from engagement.conf import DEFAULTS
from engagement.flows.training import sweep
from engagement.models import EventName, ModelArtifact
from tests.conftest import MONDAY
from tests.othershop.catalogue import make_event, make_item

pytestmark = pytest.mark.django_db

ALIASES = ["for_you", "trending"]


@pytest.fixture(autouse=True)
def _recommenders(settings):
    chosen = {alias: DEFAULTS["RECOMMENDERS"][alias] for alias in ALIASES}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDERS": chosen}


def trained(alias, *, hours_ago, channel=""):
    return ModelArtifact.objects.create(
        channel=channel,
        alias=alias,
        path=f"{channel}/{alias}/{hours_ago}",
        verdict=ModelArtifact.Verdict.PASSED,
        trained_at=MONDAY - timedelta(hours=hours_ago),
    )


def due():
    return [(one.channel, one.alias) for one in sweep.due(at=MONDAY)]


def test_nothing_is_due_in_a_shop_where_nothing_happened():
    make_item("Dune")

    assert due() == []


def test_a_missing_model_is_due():
    make_event("someone", make_item("Dune"), at=MONDAY)

    assert due() == [("", "for_you"), ("", "trending")]


def test_a_model_that_has_nothing_to_learn_from_is_not_due(settings):
    learns = {"buy_again": DEFAULTS["RECOMMENDERS"]["buy_again"]}
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "RECOMMENDERS": learns}
    dune = make_item("Dune")
    make_event("someone", dune, at=MONDAY, event=EventName.VIEW_ITEM)
    assert due() == []

    make_event("someone", dune, at=MONDAY, event=EventName.PURCHASE)
    assert due() == [("", "buy_again")]


def test_a_model_is_due_when_the_regular_training_must_have_been_lost():
    make_event("someone", make_item("Dune"), at=MONDAY)
    trained("for_you", hours_ago=29)
    trained("for_you", hours_ago=53)
    trained("trending", hours_ago=31)

    assert due() == [("", "trending")]
    assert str(sweep.due(at=MONDAY)[0]) == "trending: last trained 2026-03-01 02:00"


def test_shops_in_one_database_are_due_each_for_itself():
    for channel in ("de", "fr"):
        make_event("someone", make_item("Dune", channel=channel), at=MONDAY, channel=channel)
    for alias in ALIASES:
        trained(alias, hours_ago=1, channel="de")

    assert due() == [("fr", "for_you"), ("fr", "trending")]
    assert str(sweep.due(at=MONDAY)[0]) == "for_you of fr: missing"
