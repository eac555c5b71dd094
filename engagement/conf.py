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
    # Plain models named here are all that ModelAdapter needs; see docs/adapters.md. CATALOGUE is a
    # list where products lie in several models.
    "CATALOGUE": {},
    "ORDERS": {},
    # Where a request has its customer and its cart: ways from the request, or dotted paths of
    # functions of it. Empty: Django's user, and no cart.
    "CUSTOMER": "",
    "CART": "",
    # The dotted path of a function of a basket and a request, for shops whose basket asks it: what
    # this customer pays less, and why. See docs/install-salesman.md.
    "BASKET_DISCOUNT": "",
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
    # -- proving ----------------------------------------------------------------------------
    # The share of visitors who get no personalisation, so that the others have something to be
    # compared with; 0: nobody, and no uplift can be told. 0.05 is a usual answer.
    "HOLDOUT_SHARE": 0.0,
    # So many days before today are counted anew with each run: events may come late.
    "METRICS_LATE_DAYS": 2,
    # -- learning ---------------------------------------------------------------------------
    # Each alias lists candidate backends; training keeps the one that ranks the held-out days best.
    # GROUP_BY: what a row is ("visitor" or "order"). EVENTS: what counts (default: all that have a
    # weight). INPUT: what the model is asked about when it serves: the "visitor"'s history, the
    # visitor's "purchases", the "context" (the item on the page or the cart) or "nothing".
    # VARIANT: whether "all" items (default) or only those "new" to a visitor decide.
    # OBJECTIVE: what a right answer is worth: "click", "conversion" (default), "revenue", "margin".
    "RECOMMENDERS": {
        "for_you": {
            "GROUP_BY": "visitor",
            "INPUT": "visitor",
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.recommenders.EASE",
                    "OPTIONS": {
                        "regularization": 300.0,
                        "half_life_days": 60.0,
                        "max_items": 4_000,
                    },
                },
                {
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "bm25", "half_life_days": 60.0},
                },
                # Last, because it takes the others' word where there is too little to learn from.
                {"BACKEND": "engagement.learning.recommenders.Blend", "OPTIONS": {}},
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
                    "NAME": "lift beyond chance",
                    "BACKEND": "engagement.learning.recommenders.BoughtTogether",
                    "OPTIONS": {},
                },
                {
                    "NAME": "ItemKNN cosine",
                    "BACKEND": "engagement.learning.recommenders.ItemKNN",
                    "OPTIONS": {"weighting": "cosine", "shrinkage": 20.0, "keep": "source"},
                },
            ],
        },
        "people_like_you": {
            "GROUP_BY": "visitor",
            "INPUT": "visitor",
            "CANDIDATES": [
                {
                    "NAME": "last 60 days",
                    "BACKEND": "engagement.learning.recommenders.UserKNN",
                    "OPTIONS": {"half_life_days": 120.0, "recent_days": 60.0},
                },
                {
                    "NAME": "all",
                    "BACKEND": "engagement.learning.recommenders.UserKNN",
                    "OPTIONS": {"half_life_days": 120.0},
                },
            ],
        },
        "trending": {
            "GROUP_BY": "visitor",
            "INPUT": "nothing",
            "CANDIDATES": [
                {
                    "NAME": "28 days, half-life 7",
                    "BACKEND": "engagement.learning.recommenders.MostPopular",
                    "OPTIONS": {"window_days": 28.0, "half_life_days": 7.0},
                },
                {
                    "NAME": "7 days, half-life 3",
                    "BACKEND": "engagement.learning.recommenders.MostPopular",
                    "OPTIONS": {"window_days": 7.0, "half_life_days": 3.0},
                },
                {
                    "NAME": "90 days, half-life 28",
                    "BACKEND": "engagement.learning.recommenders.MostPopular",
                    "OPTIONS": {"window_days": 90.0, "half_life_days": 28.0},
                },
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
    # An encoder of texts: a folder that transformers can load, or a name on its hub. Empty: items
    # are compared by their words.
    "TEXT_ENCODER": "",
    "KEEP_ARTIFACTS": 5,
    # Processor cores that linear algebra may take while training: the shop needs the others.
    "TRAINING_THREADS": 1,
    # How old a model becomes when all is well; the sweep trains what is a quarter older.
    "TRAIN_EVERY_HOURS": 24,
    # -- deciding ---------------------------------------------------------------------------
    # Policies that the admin offers for a decision point. FOR: rewards that they are proposed for.
    "POLICIES": {
        "contexts": {
            "BACKEND": "engagement.learning.bandits.LogisticThompson",
            "OPTIONS": {"floor": 0.05},
            "FOR": ["click", "conversion"],
        },
        "money": {
            "BACKEND": "engagement.learning.bandits.HurdleThompson",
            "OPTIONS": {"floor": 0.05},
            "FOR": ["revenue", "margin"],
        },
        "counts": {
            "BACKEND": "engagement.learning.bandits.BetaThompson",
            "OPTIONS": {"floor": 0.05},
            "FOR": [],
        },
        # Teaches most: the log of a while of it can judge any policy.
        "chance": {"BACKEND": "engagement.learning.bandits.Uniform", "OPTIONS": {}, "FOR": []},
    },
    # Which share of what is paid is earned, for items whose margin or cost the shop does not tell.
    "MARGIN_RATE": 0.3,
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
    # -- reviews ----------------------------------------------------------------------------
    # The model of the reviews that a shop of plain models keeps itself; see docs/reviews.md.
    "REVIEWS": {},
    # Who may write: "visitors" with a cookie of ours, signed-in "customers", or "buyers" only.
    "REVIEW_AUTHORS": "visitors",
    # "flagged": what raises no flag is published at once; "all": a person sees everything first.
    "REVIEW_MODERATION": "flagged",
    # What becomes of a text that raises a flag: "publish", "hold" or "reject".
    "REVIEW_POLICY": {
        "PII": "hold",
        "URL": "hold",
        "PRI": "publish",
        "CR": "hold",
        "DBA": "hold",
        "PRF": "hold",
        "MSR": "hold",
        "IMG": "hold",
        "SI": "publish",
        "VAC": "hold",
        "SPM": "hold",
        "FRD": "hold",
        "DUP": "hold",
        "CS": "publish",
        "OTH": "hold",
    },
    # A flag that is less sure of itself than this is shown to moderators and holds nothing.
    "FLAG_CONFIDENCE": 0.5,
    "REVIEW_MIN_CHARACTERS": 1,
    "REVIEW_MAX_CHARACTERS": 5000,
    "REVIEW_RATE": "10/h",
    "VOTE_RATE": "60/h",
    "REVIEWS_PER_PAGE": 10,
    # As many reviews with the shop's mean rating are added to each item's own, for rankings.
    "RATING_PRIOR": 5,
    # Published texts that so many visitors have reported wait for a person; 0: they stay.
    "REPORTS_TO_HOLD": 3,
    # What erasing a person does to published reviews: "anonymise" or "delete".
    "REVIEW_ERASURE": "anonymise",
    # Pictures a review; 0: none. They need Pillow.
    "REVIEW_PICTURES": 4,
    "PICTURE_MAX_BYTES": 10_000_000,
    "PICTURE_PIXELS": 1600,
    # A storage alias of Django's STORAGES that holds pictures of reviews.
    "PICTURE_STORAGE": "default",
    # Whether anyone may read metrics/; otherwise staff and the machine itself.
    "METRICS_PUBLIC": False,
    # -- offers -----------------------------------------------------------------------------
    # Codes that are none of one's own which one visitor may try; then none count for the while.
    "CODE_RATE": "20/h",
    # -- understanding reviews --------------------------------------------------------------
    # Each alias lists its rungs: what is tried once a language has FROM_LABELS labels. The one that
    # needs none comes first. Transformers are yours to add: they need packages and a folder.
    "CLASSIFIERS": {
        "sentiment": {
            "CANDIDATES": [
                {"BACKEND": "engagement.learning.sentiment.SeedModel", "FROM_LABELS": 0},
                # Few labels say more beside what was known before there were any.
                {
                    "BACKEND": "engagement.learning.sentiment.Ensemble",
                    "OPTIONS": {
                        "members": {
                            "grams": {"BACKEND": "engagement.learning.sentiment.TfidfLogistic"},
                            "known": {"BACKEND": "engagement.learning.sentiment.SeedModel"},
                        }
                    },
                    "FROM_LABELS": 100,
                },
                {"BACKEND": "engagement.learning.sentiment.TfidfLogistic", "FROM_LABELS": 150},
            ],
        },
        # Learns what moderators let through. It only queues, and only from so many decisions on.
        "moderation": {
            "CANDIDATES": [
                {"BACKEND": "engagement.learning.sentiment.SpamClassifier", "FROM_LABELS": 200},
            ],
        },
        # Learns how texts feel about what they name, from so many corrections of moderators on.
        "aspects": {
            "CANDIDATES": [
                {
                    "BACKEND": "engagement.learning.sentiment.aspects.AspectPolarity",
                    "FROM_LABELS": 150,
                },
            ],
        },
    },
    # How old the classifiers become when all is well; the sweep trains what is a quarter older.
    "CLASSIFY_TRAIN_DAYS": 7,
    # Texts that are read, and written down, together.
    "CLASSIFY_BATCH": 64,
    # Whether the process that takes a review reads it at once, where the live model is a quick one;
    # otherwise the worker does, or the sweep.
    "CLASSIFY_AT_ONCE": True,
    # The reviews of so many days are held against those of the year before.
    "ALERT_DAYS": 28,
    # Which share of the alerts may be false.
    "ALERT_ERROR_RATE": 0.05,
    # Who is mailed about items whose reviews got worse; nobody: look at the admin.
    "ALERT_RECIPIENTS": [],
    # Items with fewer published reviews in a language have no summary in it.
    "SUMMARY_REVIEWS": 5,
    # A language model that puts summaries in its own words; empty: none. See docs/understanding.md.
    "SUMMARY_WRITER": {},
    # Words that raise a flag beside the lists of the app, by its code: {"CR": ["rival"], "PRF":
    # [...]}; those under "ok" raise none. The admin knows more of them.
    "FLAG_WORDS": {},
    "REGISTER_ADMIN": True,
    # -- shop frameworks --------------------------------------------------------------------
    # How many of each product's own "recommended products" are filled in, in a shop made with
    # Oscar; 0: none, and rows that were written stay until they are cleared away.
    "OSCAR_RECOMMENDED_PRODUCTS": 0,
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

    def is_set(self, name: str) -> bool:
        """Return whether the shop says something about the setting itself."""
        return name in getattr(settings, "ENGAGEMENT", {})

    def reload(self) -> None:
        self.__dict__.clear()


app_settings = AppSettings()


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting == "ENGAGEMENT":
        app_settings.reload()


setting_changed.connect(_reload, dispatch_uid="engagement.conf")
