"""Oscar's own recommended products are filled with ours, and nobody else's are touched."""

import pkgutil
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.state import ModelState, ProjectState
from django.utils import timezone
from oscar.core.loading import get_model

from engagement.contrib.oscar import migrations
from engagement.contrib.oscar.models import FilledRecommendation
from engagement.contrib.oscar.recommended import fill
from engagement.contrib.oscar.tasks import follow_model
from engagement.models import ModelArtifact
from tests.shops.oscar.walking import Walker

Recommendation = get_model("catalogue", "ProductRecommendation")
Product = get_model("catalogue", "Product")


def now(n=3):
    return fill(n=n, at=timezone.now())


def of(product):
    return [one.title for one in Product.objects.get(pk=product.pk).sorted_recommended_products]


def test_nothing_is_filled_unless_the_shop_says_so(shop):
    follow_model(artifact=ModelArtifact.objects.get(alias="similar"))

    assert not Recommendation.objects.exists()
    with pytest.raises(CommandError, match="OSCAR_RECOMMENDED_PRODUCTS"):
        call_command("engagement_oscar_recommended")


def test_a_model_that_goes_live_fills_and_oscars_own_page_shows_it(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "OSCAR_RECOMMENDED_PRODUCTS": 3}

    follow_model(artifact=ModelArtifact.objects.get(alias="similar"))

    assert 0 < len(of(shop.mug)) <= 3
    assert Recommendation.objects.count() == FilledRecommendation.objects.count()
    text = Walker().get(shop.mug.get_absolute_url())
    assert "Recommended items" in text
    assert of(shop.mug)[0] in text.split("Recommended items")[1]


def test_filling_again_changes_nothing(shop):
    now()
    before = list(Recommendation.objects.order_by("pk").values())

    report = now()

    assert (report.written, report.removed) == (0, 0)
    assert list(Recommendation.objects.order_by("pk").values()) == before


def test_merchandisers_rows_come_first_and_stay(shop):
    theirs = Recommendation.objects.create(primary=shop.mug, recommendation=shop.shirt, ranking=9)

    now()
    assert of(shop.mug)[0] == "Shirt"
    assert len(of(shop.mug)) == 3
    now(1)
    assert of(shop.mug) == ["Shirt"]
    now(0)

    assert list(Recommendation.objects.all()) == [theirs]
    assert not FilledRecommendation.objects.exists()


def test_ours_are_not_above_a_row_that_nobody_has_ranked(shop):
    Recommendation.objects.create(primary=shop.mug, recommendation=shop.shirt)

    now()

    rows = Recommendation.objects.filter(primary=shop.mug)
    assert set(rows.values_list("ranking", flat=True)) == {0}
    assert "Shirt" in of(shop.mug)


def test_a_row_that_somebody_changed_is_theirs(shop):
    now()
    row = Recommendation.objects.filter(primary=shop.mug).last()
    row.ranking = 99
    row.save()

    now(0)

    assert list(Recommendation.objects.all()) == [row]


def test_a_row_that_somebody_deleted_is_not_written_again(shop):
    now()
    row = Recommendation.objects.filter(primary=shop.mug).first()
    row.delete()

    report = now()
    now()

    assert row.recommendation.title not in of(shop.mug)
    assert report.products == Product.objects.filter(parent=None).count()


def test_what_was_deleted_and_put_back_by_hand_is_theirs(shop):
    now()
    row = Recommendation.objects.filter(primary=shop.mug).first()
    other, ranking = row.recommendation, row.ranking
    row.delete()
    now()
    Recommendation.objects.create(primary=shop.mug, recommendation=other, ranking=ranking)

    now(0)

    assert of(shop.mug) == [other.title]


def test_a_deleted_product_takes_the_notes_along(shop):
    now()
    key = str(shop.teapot.pk)
    assert FilledRecommendation.objects.filter(recommended_key=key).exists()

    shop.teapot.delete()

    assert not FilledRecommendation.objects.filter(recommended_key=key).exists()
    assert not FilledRecommendation.objects.filter(primary_key=key).exists()


def test_the_command_fills_and_clears(shop, settings):
    settings.ENGAGEMENT = {**settings.ENGAGEMENT, "OSCAR_RECOMMENDED_PRODUCTS": 2}
    out = StringIO()

    call_command("engagement_oscar_recommended", stdout=out)
    written = Recommendation.objects.count()
    call_command("engagement_oscar_recommended", "--clear", stdout=out)

    assert f"{written} rows written" in out.getvalue()
    assert f"{written} removed" in out.getvalue()
    assert not Recommendation.objects.exists()


def test_no_migration_is_missing_and_none_depends_on_the_shop():
    app, state = "engagement_oscar", ProjectState()
    names = sorted(name for _, name, _ in pkgutil.iter_modules(migrations.__path__))
    for name in names:
        module = import_module(f"{migrations.__name__}.{name}")
        assert {label for label, _name in module.Migration.dependencies} <= {app}
        state = module.Migration(name, app).mutate_state(state)

    ours = ProjectState()
    for model in apps.get_app_config(app).get_models():
        ours.add_model(ModelState.from_model(model))
    assert names
    assert MigrationAutodetector(state, ours).changes(MigrationGraph()) == {}
