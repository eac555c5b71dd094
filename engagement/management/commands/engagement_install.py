"""``manage.py engagement_install``: the lines that this project still lacks. Changes nothing."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand
from django.urls import NoReverseMatch, reverse

MIDDLEWARE = "engagement.middleware.VisitorMiddleware"
OSCAR = "engagement.contrib.oscar"
OSCAR_ADAPTER = f"{OSCAR}.adapter.OscarAdapter"
SALESMAN = "engagement.contrib.salesman"
SALESMAN_ADAPTER = f"{SALESMAN}.adapter.SalesmanAdapter"
MODIFIER = f"{SALESMAN}.modifiers.CampaignOffers"


class Command(BaseCommand):
    help = "Print the lines that this project's settings and addresses lack. Nothing is changed."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        settings_lines, url_lines = missing_settings(), missing_urls()
        if settings_lines:
            self.stdout.write(f"# in {settings.SETTINGS_MODULE}, at the end")
            self.stdout.write("\n".join(settings_lines) + "\n")
        if url_lines:
            self.stdout.write(f"# in {settings.ROOT_URLCONF}, at the end")
            self.stdout.write("\n".join(url_lines) + "\n")
        if is_misplaced():
            self.stdout.write(
                f"# in {settings.SETTINGS_MODULE}: {OSCAR} has to stand before Oscar's own apps in "
                "INSTALLED_APPS,\n# or its templates are not found and no shelf is shown.\n"
            )
        if not settings_lines and not url_lines:
            self.stdout.write("Nothing is missing. Once everything is in its place:\n")
        self.stdout.write("python manage.py migrate")
        self.stdout.write("python manage.py engagement_backfill")
        self.stdout.write("python manage.py engagement_train")


def missing_settings() -> list[str]:
    """Return the lines of Python that the settings lack."""
    lines = []
    is_oscar, is_salesman = apps.is_installed("oscar"), apps.is_installed("salesman.core")
    wanted = ["rest_framework", "engagement"]
    if is_oscar:
        wanted.insert(0, OSCAR)
    elif is_salesman:
        wanted.append(SALESMAN)
    # By name: whatever else the project calls its configurations.
    absent = [name for name in wanted if not apps.is_installed(name)]
    if absent:
        # Before the shop's own apps: their templates are found after ours, and extended by them.
        names = ", ".join(f'"{name}"' for name in absent)
        lines.append(f"INSTALLED_APPS = [{names}, *INSTALLED_APPS]")
    if MIDDLEWARE not in settings.MIDDLEWARE:
        lines.append(f'MIDDLEWARE = [*MIDDLEWARE, "{MIDDLEWARE}"]')
    if is_salesman and not is_oscar:
        lines += _modifier()
    ours = getattr(settings, "ENGAGEMENT", None) or {}
    if "ADAPTER" in ours or (ours.get("CATALOGUE") and not is_salesman):
        return lines
    lines.append("ENGAGEMENT = {")
    if is_oscar:
        currency = getattr(settings, "OSCAR_DEFAULT_CURRENCY", "EUR")
        lines += [f'    "ADAPTER": "{OSCAR_ADAPTER}",', f'    "CURRENCY": "{currency}",']
    elif is_salesman:
        lines += [f'    "ADAPTER": "{SALESMAN_ADAPTER}",', '    "CURRENCY": "EUR",']
    else:
        lines += ['    "CATALOGUE": {"MODEL": "shop.Product", "TITLE": "name", "PRICE": "price"},']
        lines += [
            '    "ORDERS": {"MODEL": "shop.Order", "CUSTOMER": "user_id", "LINES": "lines"},',
            '    "CURRENCY": "EUR",',
        ]
    return [*lines, "}"]


def _modifier() -> list[str]:
    """Return the line by which campaigns take something off Salesman's baskets."""
    there = getattr(settings, "SALESMAN_BASKET_MODIFIERS", None)
    if there and MODIFIER in there:
        return []
    own = "*SALESMAN_BASKET_MODIFIERS, " if there else ""
    return [f'SALESMAN_BASKET_MODIFIERS = [{own}"{MODIFIER}"]']


def is_misplaced() -> bool:
    """Return whether Oscar's templates would be found before those that extend them."""
    names = [config.name for config in apps.get_app_configs()]
    ours = names.index(OSCAR) if OSCAR in names else -1
    return any(name.split(".")[0] == "oscar" for name in names[: max(ours, 0)])


def missing_urls() -> list[str]:
    """Return the lines of Python that the addresses lack."""
    try:
        reverse("engagement:events")
    except NoReverseMatch:
        include = 'path("engagement/", include("engagement.urls"))'
        # First: a shop may answer every other address with a page of its own.
        return [
            "from django.urls import include, path",
            f"urlpatterns = [{include}, *urlpatterns]",
        ]
    return []
