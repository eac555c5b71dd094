"""Each mistake in what settings name of a shop's models is told with its place and a way out."""

from __future__ import annotations

import pytest

from engagement.checks import check_settings
from tests.flows.test_declared_shops import BOOKS, ORDERS, PRINTS
from tests.flows.test_reviews_of_the_shop import NAMES as REVIEWS
from tests.othershop.models import Book, Genre

HERE = "tests.web.test_checks_of_the_shop"


def genres():
    return Genre.objects.all()


def three():
    return Book.objects.all()[:3]


def broken():
    raise RuntimeError("not today")


NO_FUNCTION = 7


@pytest.fixture
def told(settings):
    settings.MIDDLEWARE = [
        *[one for one in settings.MIDDLEWARE if "engagement" not in one],
        "engagement.middleware.VisitorMiddleware",
    ]
    base = settings.ENGAGEMENT

    def tell(**changes):
        settings.ENGAGEMENT = {
            **base,
            "CATALOGUE": [BOOKS, PRINTS],
            "ORDERS": ORDERS,
            "REVIEWS": REVIEWS,
            **changes,
        }
        return check_settings()

    return tell


def books(**parts):
    return {"CATALOGUE": {**BOOKS, **parts}}


def prints(**parts):
    return {"CATALOGUE": [BOOKS, {**PRINTS, **parts}]}


def orders(**parts):
    return {"ORDERS": {**ORDERS, **parts}}


def test_a_shop_that_is_named_well_is_told_nothing(told):
    assert told() == []
    assert told(CATALOGUE=BOOKS, CUSTOMER="customer.number", CART="basket.lines") == []


@pytest.mark.parametrize(
    ("changes", "identity", "place", "says", "hints"),
    [
        (books(TITEL="name"), "W001", "['CATALOGUE']", "'TITEL'", "'TITLE'"),
        (books(TITLE="nmae"), "E005", "['CATALOGUE']['TITLE']", "no 'nmae'", "'name'"),
        (books(TEXT="genre.labl"), "E005", "['TEXT']", "Genre has no 'labl'", "'label'"),
        (books(PRICE="tests.othershop.nothing"), "E005", "['PRICE']", "'tests'", "price"),
        (books(TITLE=5), "E005", "['TITLE']", "5", "name"),
        (prints(IMAGE="fact.picture"), "E005", "['CATALOGUE'][1]['IMAGE']", "'fact'", "'facts'"),
        (prints(PRICE="prize"), "E005", "['CATALOGUE'][1]['PRICE']", "'prize'", "'price'"),
        (prints(URL="/p/{slug}/"), "E005", "['URL']", "'slug'", "motif"),
        (prints(ATTRIBUTES={"a": "motive"}), "E005", "['ATTRIBUTES']['a']", "motive", "'motif'"),
        (
            prints(CATEGORY={"PATH": "genre", "NAME": "lable"}),
            "E005",
            "['CATEGORY']['NAME']",
            "Genre has no 'lable'",
            "'label'",
        ),
        (prints(CATEGORY={"WAY": "genre"}), "W001", "['CATEGORY']", "'WAY'", "PATH"),
        (books(MODEL="othershop.Bock"), "E005", "['MODEL']", "Bock", "'othershop.Book'"),
        (books(ACTIVE={"publisht": True}), "E005", "['ACTIVE']", "'publisht'", "'published'"),
        (
            books(ACTIVE={"genre__lable": 1}),
            "E005",
            "['ACTIVE']",
            "Genre has no 'lable'",
            "'label'",
        ),
        (books(ACTIVE={"genre_id": "?"}), "E008", "['ACTIVE']", "?", "value"),
        (books(AVAILABLE="soldout"), "E005", "['AVAILABLE']", "'soldout'", "'sold_out'"),
        (books(KEY="slog"), "E005", "['KEY']", "'slog'", "'slug'"),
        (books(KEY="name"), "W013", "['KEY']", "'name'", "unique"),
        (books(TYPE="a:b"), "E008", "['TYPE']", "'a:b'", "colon"),
        ({"CATALOGUE": [BOOKS, {**PRINTS, "TYPE": ""}]}, "E008", "", "2 models", "TYPE"),
        (prints(PARENT="size"), "E005", "['PARENT']", "'size'", "'size_of'"),
        (prints(CHANGED_AT="changed"), "E005", "['CHANGED_AT']", "'changed'", "'changed_at'"),
        (books(VARIANTS="othershop.Edition"), "E008", "['VARIANTS']", "no dictionary", "PRODUCT"),
        (
            books(VARIANTS={"MODEL": "othershop.Edition", "PRODUCT": "bok"}),
            "E005",
            "['VARIANTS']['PRODUCT']",
            "no foreign key 'bok' to Book",
            "'book'",
        ),
        (
            books(QUERYSET="objects.visible"),
            "E008",
            "['QUERYSET']",
            "no attribute 'visible'",
            "QuerySet",
        ),
        (books(QUERYSET=f"{HERE}.visible"), "E005", "['QUERYSET']", "visible", "manager"),
        (books(QUERYSET=f"{HERE}.genres"), "E008", "['QUERYSET']", "not rows of Book", "QuerySet"),
        (books(QUERYSET=f"{HERE}.three"), "E008", "['QUERYSET']", "cut off", "QuerySet"),
        (books(QUERYSET=f"{HERE}.broken"), "E008", "['QUERYSET']", "not today", "QuerySet"),
        (orders(REFERENCE="pk"), "W001", "['ORDERS']", "'REFERENCE'", "Known are"),
        (orders(MODEL=""), "W007", "['ORDERS']", "no MODEL", "adapters.md"),
        (orders(MODEL="othershop.Reciept"), "E005", "['ORDERS']", "Reciept", "Receipt"),
        (orders(EMAIL="mail"), "E005", "['ORDERS']['EMAIL']", "'mail'", "'email'"),
        (orders(CUSTOMER="member.numbr"), "E005", "['CUSTOMER']", "'numbr'", "'number'"),
        (orders(LINES="positions"), "E005", "['LINES']", "'positions'", "'position"),
        (orders(ITEM="things"), "E005", "['ITEM']", "Position has no 'things'", "'thing'"),
        (orders(QUANTITY=""), "E005", "['QUANTITY']", "'quantity'", "amount"),
        (orders(WHERE={"status": 1}), "E005", "['WHERE']", "'status'", "'state'"),
        (orders(CANCELLED="returned"), "E008", "['CANCELLED']", "'returned'", "lookups"),
        ({"CUSTOMER": f"{HERE}.who"}, "E005", "['CUSTOMER']", "who", "request"),
        ({"CUSTOMER": f"{HERE}.NO_FUNCTION"}, "E008", "['CUSTOMER']", "no function", "request"),
        ({"CART": 5}, "E008", "['CART']", "5", "request"),
        ({"REVIEWS": {**REVIEWS, "BODI": "x"}}, "W001", "['REVIEWS']", "'BODI'", "'BODY'"),
        ({"REVIEWS": {**REVIEWS, "BODY": "wrods"}}, "E005", "['BODY']", "'wrods'", "'words'"),
        ({"REVIEWS": {**REVIEWS, "CHANGED": "a.b"}}, "E005", "['CHANGED']", "'a'", "dotted path"),
        (
            {"REVIEWS": {**REVIEWS, "STATUS": ["state", "answer"]}},
            "E004",
            "['STATUSES']",
            "'new'",
            "state, answer",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_a_way_out(
    told, changes, identity, place, says, hints
):
    found = told(**changes)

    assert {message.id for message in found} == {f"engagement.{identity}"}
    assert place in found[0].msg
    assert says in found[0].msg
    assert hints in found[0].hint


def test_what_a_queryset_adds_may_be_named(told):
    assert told(**books(QUERYSET=f"{HERE}.with_sales", PRICE="n_sold")) == []
    assert told(**books(PRICE="n_sold"))[0].id == "engagement.E005"


def with_sales():
    from django.db.models import Count

    return Book.objects.annotate(n_sold=Count("saleline"))
