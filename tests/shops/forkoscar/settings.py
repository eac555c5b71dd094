"""The small shop with Oscar's catalogue forked: its product has a field more."""

from tests.shops.minioscar.settings import *  # noqa: F403

INSTALLED_APPS = [
    "tests.shops.forkoscar.catalogue.apps.CatalogueConfig"
    if app.startswith("oscar.apps.catalogue.apps")
    else app
    for app in INSTALLED_APPS  # noqa: F405
]
