"""Which shop's tests a run is for: the one whose settings it was started with."""

import os
from pathlib import Path

from django.conf import settings

WITHOUT = "test_without.py"


def ignored(folder, module):
    """
    Return the files of a shop's folder to leave out of this run; ``module`` is its settings.

    A run with SHOP_WITHOUT_ENGAGEMENT=yes is for ``test_without.py`` alone.
    """
    files = [path.name for path in Path(folder).glob("test_*.py")]
    if os.environ.get("DJANGO_SETTINGS_MODULE", settings.SETTINGS_MODULE) != module:
        return files
    if os.environ.get("SHOP_WITHOUT_ENGAGEMENT") == "yes":
        return [name for name in files if name != WITHOUT]
    return [WITHOUT]
