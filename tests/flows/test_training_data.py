"""What recipes learn from: the catalogue as arrays, items nobody has met, what answers count."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from engagement.flows.importing.backfill import backfill
from engagement.flows.training import item_facts, report
from engagement.flows.training.evaluate import evaluate
from engagement.flows.training.questions import stays_within_category
from engagement.flows.training.train import train
from engagement.flows.training.training_data import load_data
from engagement.learning.interactions import Interactions
from engagement.models import EventName, Item, Placement
from tests.othershop import catalogue

pytestmark = pytest.mark.django_db
HERE = "engagement.learning.recommenders"
KNN = {"BACKEND": f"{HERE}.ItemKNN", "OPTIONS": {"keep": "source"}}
POPULAR = {"BACKEND": f"{HERE}.MostPopular", "OPTIONS": {}}
BLEND = {"BACKEND": f"{HERE}.Blend", "OPTIONS": {"ranker": "sum"}}


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path_factory):
    settings.STORAGES = {
        **settings.STORAGES,
        "engagement": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path_factory.mktemp("models")},
        },
    }


@pytest.fixture
def choose(settings):
    def choose(*backends, alias="for_you", **spec):
        settings.ENGAGEMENT = {
            **settings.ENGAGEMENT,
            "RECOMMENDERS": {alias: {**spec, "CANDIDATES": list(backends)}},
        }

    return choose


@pytest.fixture
def readers(bookshop, at):
    backfill(channel="", at=at)
    return bookshop


# -- the catalogue --------------------------------------------------------------------------
def test_the_catalogue_becomes_arrays_by_column(at):
    dune = catalogue.make_item(
        "Dune", text="desert", category="Books > SF", price=Decimal(8), attributes={"cost": 5}
    )
    emma = catalogue.make_item("Emma", category="Books", attributes={"margin": "1.5"})
    catalogue.make_item("of another shop", channel="other", price=Decimal(1))

    known, n_described = item_facts.describe(np.array([dune.pk, emma.pk, 10**6]), channel="")

    np.testing.assert_array_equal(known.prices, np.float32([8, np.nan, np.nan]))
    np.testing.assert_array_equal(known.margins, np.float32([3, 1.5, np.nan]))
    assert known.categories.tolist() == [1, 0, -1]
    assert np.diff(known.texts.indptr).tolist() == [2, 1, 0]
    assert n_described == 1
    assert known.created[0] == int(dune.created_at.timestamp())


def test_titles_without_spaces_are_cut_into_letters(db):
    titles = ["三体科幻小说", "三体黑暗森林", "傲慢与偏见"]
    ids = [catalogue.make_item(title, external_id=title).pk for title in titles]

    texts = item_facts.describe(np.array(ids), channel="")[0].texts.toarray()

    assert texts[0] @ texts[1] > texts[0] @ texts[2]


def test_items_on_sale_that_nobody_has_met_have_columns(at):
    ids = [catalogue.make_item(f"book {n}").pk for n in range(5)]
    Item.objects.filter(pk=ids[4]).update(is_available=False)
    log = Interactions.from_keys([1, 1, 2], [ids[1], ids[3], ids[1]])

    wide = item_facts.with_items_on_sale(log, channel="", limit=100)
    narrow = item_facts.with_items_on_sale(log, channel="", limit=3)

    assert wide.column_keys.tolist() == ids[:4]
    assert wide.column_keys[wide.columns].tolist() == [ids[1], ids[3], ids[1]]
    assert len(narrow.column_keys) == 3
    assert item_facts.with_items_on_sale(log, channel="", limit=2) is log


def test_models_that_want_no_catalogue_cost_no_catalogue(readers, choose, at):
    choose(KNN)
    assert load_data(channel="", alias="for_you", at=at).catalogue.texts is None
    choose(KNN, BLEND)
    assert load_data(channel="", alias="for_you", at=at).catalogue.texts is not None


def test_recipes_of_one_run_read_the_log_once(readers, choose, at, django_assert_num_queries):
    choose(KNN)
    memo = {}
    load_data(channel="", alias="for_you", at=at, memo=memo)
    with django_assert_num_queries(0):
        load_data(channel="", alias="for_you", at=at, memo=memo)


# -- what answers are worth -------------------------------------------------------------------
@pytest.fixture
def dear_and_cheap(db, at):
    """One of many cheap sales and one of some dear ones, week after week, to returning visitors."""
    pencil = catalogue.make_item("pencil", price=Decimal(1))
    piano = catalogue.make_item("piano", price=Decimal(1000))
    for visitor in range(40):
        for week in range(8):
            when = at - timedelta(days=7 * week + 1, minutes=visitor)
            wanted = [pencil] if visitor % 8 else [pencil, piano]
            for item in wanted:
                catalogue.make_event(f"v{visitor}", item, at=when, event=EventName.PURCHASE)


def test_revenue_is_gated_by_value_and_conversion_by_count(dear_and_cheap, choose, at):
    choose(POPULAR, INPUT="nothing", OBJECTIVE="revenue")
    by_value = evaluate(channel="", alias="for_you", at=at)
    choose(POPULAR, INPUT="nothing")
    by_count = evaluate(channel="", alias="for_you", at=at)

    assert by_value.metric == "value"
    assert by_count.metric == "ndcg"
    # What is popular comes first: right for everybody, and worth little to those who bought both.
    outcome = by_value.outcomes["MostPopular"]["all"]
    assert outcome.mean("value") < outcome.mean("ndcg")
    assert by_value.metrics()["metric"] == "value@10"


def test_clicks_are_answers_where_clicks_are_wanted(readers, choose, at):
    item = Item.objects.get(title="Molloy")
    for reader in range(30):
        catalogue.make_event(f"viewer-{reader}", item, at=at - timedelta(days=40))
        catalogue.make_event(f"viewer-{reader}", item, at=at - timedelta(days=7))
    questions = {}
    for objective in ("click", "conversion"):
        choose(KNN, OBJECTIVE=objective)
        questions[objective] = evaluate(channel="", alias="for_you", at=at).questions["all"]

    assert questions["click"] == questions["conversion"] + 30


def test_a_blend_is_told_the_objective_and_what_counts_as_an_answer(readers, choose, at):
    choose(BLEND, OBJECTIVE="revenue")
    options = train(channel="", alias="for_you", at=at).artifact.options

    assert options["objective"] == "revenue"
    assert options["answers_from"] == 5.0


# -- within the category ----------------------------------------------------------------------
def test_what_is_shown_within_a_category_is_judged_within_it(readers, choose, at):
    choose(KNN, alias="similar", INPUT="context")
    assert stays_within_category("", "similar", {"INPUT": "context"})
    inside = evaluate(channel="", alias="similar", at=at)
    Placement.objects.filter(name="product.similar").update(same_category=False)
    outside = evaluate(channel="", alias="similar", at=at)

    assert inside.within_category
    assert not outside.within_category
    # A reader of one genre: inside it only its own five books compete.
    assert inside.outcomes["ItemKNN"]["all"].mean("recall") == 1.0


# -- what is missing --------------------------------------------------------------------------
def test_a_young_shop_is_told_what_would_unlock_more(readers, choose, at):
    Item.objects.update(price=None)
    choose(BLEND)
    metrics = train(channel="", alias="for_you", at=at).artifact.metrics

    texts = [one.text for one in report.missing(metrics)]
    assert any("0 % of the items have a price" in text for text in texts)
    assert any("visitors came back" in text for text in texts)
    assert set(metrics["members"]) >= {"linear", "texts", "popular"}
    assert metrics["ranked_by"] in ("sum", "standing")


def test_figures_of_another_version_are_no_error():
    assert report.missing({}) == []
    assert report.missing({"missing": [{"code": "unheard of", "have": 1, "need": 2}]}) == []
