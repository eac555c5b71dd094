"""Leaves these tests out of a run whose settings are another shop's."""

import os

from django.conf import settings

if not str(os.environ.get("DJANGO_SETTINGS_MODULE", settings.SETTINGS_MODULE)).startswith(
    "tests.shops."
):
    collect_ignore_glob = ["*"]
