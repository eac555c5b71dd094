"""
The ``ENGAGEMENT`` setting: one dictionary, read lazily, with a default for everything.

``from engagement.conf import app_settings`` and then ``app_settings.CONSENT``. Every name is
documented in ``docs/settings.md``; a test fails when one is missing there.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

DEFAULTS: dict[str, Any] = {
    # -- the shop ---------------------------------------------------------------------------
    "ADAPTER": "engagement.adapters.ModelAdapter",
    # Plain models named here are all that ModelAdapter needs; see docs/adapters.md.
    "CATALOGUE": {},
    "ORDERS": {},
    # Separates several shops in one database; an adapter may answer per request.
    "CHANNEL": "",
    "CURRENCY": "",
    # -- people -----------------------------------------------------------------------------
    # "opt_in": nothing is stored before a visitor agrees; "opt_out": until a visitor declines;
    # "not_needed": the shop has answered the question elsewhere.
    "CONSENT": "opt_in",
    # Keys the HMAC that turns a customer id into a visitor key. Empty: Django's SECRET_KEY.
    "VISITOR_SECRET": "",
    "VISITOR_COOKIE": "engagement_visitor",
    "CONSENT_COOKIE": "engagement_consent",
    "COOKIE_AGE_DAYS": 395,
    "RESPECT_GPC": True,
    # -- events -----------------------------------------------------------------------------
    "MAX_BATCH": 1000,
    "EVENT_RATE": "600/min",
    "SESSION_MINUTES": 30,
    "MAX_QUANTITY": 10_000,
    "MAX_VALUE": 1_000_000,
    # Seconds that a client's clock may run ahead before its event counts as from the future.
    "CLOCK_SKEW_SECONDS": 300,
    # A visitor with more events than this in one day is a machine, not a customer.
    "BOT_EVENTS_PER_DAY": 2000,
    "EVENT_RETENTION_DAYS": None,
    # -- learning ---------------------------------------------------------------------------
    # Each alias lists candidate backends; training keeps the one that ranks the held-out days best.
    # GROUP_BY: what a row is ("visitor" or "order"). EVENTS: what counts (default: all that have a
    # weight). INPUT: what the model is asked about when it serves: the "visitor"'s history, the
    # visitor's "purchases", the "context" (the item on the page or the cart) or "nothing".
    # VARIANT: whether "all" items (default) or only those "new" to a visitor decide.
    "RECOMMENDERS": {
        "for_you": {
            "GROUP_BY": "visitor",
            "INPUT": "visitor",
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.recommenders.EASE",
                    "OPTIONS": {"regularization": 300.0, "half_life_days": 60.0},
                },
                {
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "bm25", "half_life_days": 60.0},
                },
            ],
        },
        "similar": {
            "GROUP_BY": "visitor",
            "INPUT": "context",
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "tfidf", "shrinkage": 10.0, "keep": "source"},
                }
            ],
        },
        "bought_together": {
            "GROUP_BY": "order",
            "EVENTS": ["purchase"],
            "INPUT": "context",
            "CANDIDATES": [
                {
                    "NAME": "ItemKNN BM25",
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "bm25", "keep": "source"},
                },
                {
                    "NAME": "ItemKNN cosine",
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "cosine", "shrinkage": 20.0, "keep": "source"},
                },
            ],
        },
        "trending": {
            "GROUP_BY": "visitor",
            "INPUT": "nothing",
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.recommenders.MostPopular",
                    "OPTIONS": {"window_days": 28.0, "half_life_days": 7.0},
                }
            ],
        },
        "buy_again": {
            "GROUP_BY": "visitor",
            "EVENTS": ["purchase"],
            "INPUT": "purchases",
            "CANDIDATES": [
                {"BACKEND": "engagement.learning.recommenders.RepeatPurchase", "OPTIONS": {}}
            ],
        },
    },
    # How much one event of each kind says about taste.
    "EVENT_WEIGHTS": {
        "view_item": 1.0,
        "select_item": 1.0,
        "add_to_wishlist": 2.0,
        "add_to_cart": 3.0,
        "purchase": 5.0,
    },
    "HOLDOUT_DAYS": 28,
    # Catalogues larger than this train on their most used items only.
    "MAX_ITEMS": 20_000,
    "KEEP_ARTIFACTS": 5,
    # Processor cores that linear algebra may take while training: the shop needs the others.
    "TRAINING_THREADS": 1,
    # How old a model becomes when all is well; the sweep trains what is a quarter older.
    "TRAIN_EVERY_HOURS": 24,
    # -- serving ----------------------------------------------------------------------------
    # A storage alias of Django's STORAGES that holds model files; unknown aliases use "default".
    "STORAGE": "engagement",
    # Where the copies lie that web processes map; empty: a folder of ours in the temporary one.
    "MODEL_COPIES": "",
    "CACHE": "default",
    "SHELF_CACHE_SECONDS": 300,
    # How often a web process asks whether another model or placement went live.
    "POLL_SECONDS": 3,
    # How many recent events of a visitor a recommendation looks at.
    "HISTORY_EVENTS": 200,
    "RECOMMENDATION_RATE": "600/min",
    # Whether anyone may read metrics/; otherwise staff and the machine itself.
    "METRICS_PUBLIC": False,
    "REGISTER_ADMIN": True,
}


class AppSettings:
    """Attribute access to ``settings.ENGAGEMENT`` over ``DEFAULTS``."""

    def __getattr__(self, name: str) -> Any:
        if name not in DEFAULTS:
            raise AttributeError(f"ENGAGEMENT has no setting {name!r}")
        value = getattr(settings, "ENGAGEMENT", {}).get(name, DEFAULTS[name])
        # Kept on the instance, so that the next read is a plain attribute.
        self.__dict__[name] = value
        return value

    def reload(self) -> None:
        self.__dict__.clear()


app_settings = AppSettings()


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting == "ENGAGEMENT":
        app_settings.reload()


setting_changed.connect(_reload, dispatch_uid="engagement.conf")
