import os
from pathlib import Path

from shop_demo.settings import *  # noqa: F403

if not os.environ.get("DATABASE_URL"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": Path(os.environ["ENGAGEMENT_SCALE_FOLDER"]) / "scale.sqlite3",
        }
    }
