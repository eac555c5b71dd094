"""Each mistake in the configuration is named, with a hint that helps."""

import pytest

from engagement.adapters import ShopAdapter
from engagement.checks import check_placements, check_settings
from engagement.learning.recommenders import Recommender
from tests import deciding
from tests.serving import place


class Half(Recommender):
    def __init__(self, size: int = 1) -> None:
        if size < 1:
            raise ValueError("size is above zero")
        self.size = size


class Unfinished(ShopAdapter):
    pass


class NeedsMore(ShopAdapter):
    def __init__(self, more):
        pass


def recommender(**parts):
    return {"RECOMMENDERS": {"mine": {**MINE, **parts}}}


def candidates(**candidate):
    return recommender(CANDIDATES=[{"BACKEND": "tests.web.test_checks.Half", **candidate}])


def policy(**parts):
    return {"POLICIES": {"mine": {"BACKEND": "engagement.learning.bandits.UCB1", **parts}}}


MINE = {"CANDIDATES": [{"BACKEND": "tests.web.test_checks.Half"}]}
FINE = {"RECOMMENDERS": {"mine": MINE}}


@pytest.fixture
def told(settings):
    """Return what is told of a change to a configuration that is fine."""
    settings.MIDDLEWARE = [
        *[one for one in settings.MIDDLEWARE if "engagement" not in one],
        "engagement.middleware.VisitorMiddleware",
    ]
    base = settings.ENGAGEMENT

    def tell(**changes):
        settings.ENGAGEMENT = {**base, **FINE, **changes}
        return {message.id: message for message in check_settings()}

    return tell


def test_a_good_configuration_is_silent(told):
    assert told() == {}


def test_pictures_are_missed_only_by_a_shop_that_asked_for_them(told, monkeypatch):
    monkeypatch.setattr("engagement.checks.reviews.can_take_pictures", lambda: False)
    assert told() == {}
    assert told(REVIEW_PICTURES=0) == {}
    assert "Pillow" in told(REVIEW_PICTURES=4)["engagement.W012"].msg


@pytest.mark.parametrize(
    ("changes", "identity", "says", "hints"),
    [
        ({"ADAPTOR": "x"}, "W001", "ADAPTOR", "'ADAPTER'"),
        (recommender(INPUTS="context"), "W001", "INPUTS", "'INPUT'"),
        ({"CONSENT": "maybe"}, "E004", "maybe", "opt_in"),
        ({"POLL_SECONDS": -1}, "E004", "POLL_SECONDS", "not below zero"),
        ({"MAX_BATCH": "many"}, "E004", "MAX_BATCH", "number"),
        ({"EVENT_RATE": "often"}, "E004", "often", "600/min"),
        ({"EVENT_WEIGHTS": {"viewitem": 1.0}}, "E004", "viewitem", "'view_item'"),
        ({"EVENT_WEIGHTS": {"view_item": "a"}}, "E004", "view_item", "number"),
        (recommender(INPUT="everything"), "E004", "everything", "visitor"),
        (recommender(GROUP_BY="week"), "E004", "week", "order"),
        (recommender(EVENTS=["bought"]), "E004", "bought", "purchase"),
        ({"RECOMMENDERS": {"newest": MINE}}, "E004", "newest", "another name"),
        (recommender(CANDIDATES=[]), "E001", "'mine' cannot be built", "backend"),
        (candidates(BACKEND="no.such.Thing"), "E001", "'mine' cannot be built", "dotted path"),
        (candidates(BACKEND="decimal.Decimal"), "E001", "not a Recommender", "Subclass"),
        (candidates(OPTIONS={"colour": 1}), "E001", "colour", "OPTIONS"),
        (candidates(OPTIONS={"size": 0}), "E001", "size is above zero", "OPTIONS"),
        ({"POLICIES": {"mine": {}}}, "E009", "names no BACKEND", "BACKEND"),
        (policy(BACKEND="decimal.Decimal"), "E009", "not a policy", "BACKEND"),
        (policy(OPTIONS={"colour": 1}), "E009", "colour", "OPTIONS"),
        (policy(OPTION={}), "W001", "OPTION", "'OPTIONS'"),
        (policy(FOR=["clicks"]), "E004", "clicks", "'click'"),
        ({"MARGIN_RATE": 30}, "E004", "MARGIN_RATE", "share"),
        ({"ADAPTER": "no.such.Adapter"}, "E002", "no.such.Adapter", "dotted path"),
        ({"ADAPTER": "decimal.Decimal"}, "E002", "not a ShopAdapter", "Subclass"),
        ({"ADAPTER": "tests.web.test_checks.NeedsMore"}, "E002", "more", "without arguments"),
        ({"ADAPTER": "tests.web.test_checks.Unfinished"}, "E002", "resolve()", "products"),
        ({"CATALOGUE": {}}, "W007", "no MODEL", "ADAPTER"),
        ({"CATALOGUE": {"MODEL": "othershop.Pen"}}, "E005", "Pen", "app_label"),
        (
            {"CATALOGUE": {"MODEL": "othershop.Book", "TITLE": "nam"}},
            "E005",
            "no 'nam'",
            "'name'",
        ),
        ({"CACHE": "defalt"}, "E006", "defalt", "'default'"),
        ({"STORAGE": "models"}, "W002", "models", "STORAGES"),
    ],
)
def test_a_mistake_is_named_with_a_hint(told, changes, identity, says, hints):
    found = told(**changes)

    assert list(found) == [f"engagement.{identity}"]
    message = found[f"engagement.{identity}"]
    assert says in message.msg
    assert hints in message.hint


def test_a_setting_that_is_no_dictionary(settings):
    settings.ENGAGEMENT = "shop.adapter"

    assert [message.id for message in check_settings()] == ["engagement.E003"]


def test_what_stands_around_the_app_is_looked_at(told, settings):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "engagement" not in one]
    template = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**template, "OPTIONS": {"context_processors": []}}]
    settings.ROOT_URLCONF = "tests.web.no_urls"

    assert set(told()) == {
        "engagement.W003",
        "engagement.W005",
        "engagement.W006",
    }


def test_a_stored_placement_names_strategies_that_exist(db):
    assert check_placements(databases=["default"]) == []

    place("home.trending", strategies=["trendign"])

    (message,) = check_placements(databases=["default"])
    assert message.id == "engagement.W004"
    assert "home.trending" in message.msg
    assert "'trending'" in message.hint


def test_a_decision_point_names_strategies_that_exist(db):
    deciding.make_point(arms=[{"name": "one", "strategies": ["for_yuo"]}])

    (message,) = check_placements(databases=["default"])
    assert "decision point home.for_you" in message.msg
    assert "'for_you'" in message.hint


def test_placements_are_looked_at_only_with_a_database():
    assert check_placements(databases=None) == []
