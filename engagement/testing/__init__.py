"""Public contract tests, to be inherited by whoever writes a backend or an adapter of their own."""

import pytest

pytest.register_assert_rewrite(
    "engagement.testing.adapters",
    "engagement.testing.classifiers",
    "engagement.testing.policies",
    "engagement.testing.recommenders",
    "engagement.testing.shop_offers",
    "engagement.testing.shop_reviews",
)

from engagement.testing.adapters import AdapterTests, ShopAdapterTests  # noqa: E402
from engagement.testing.classifiers import ClassifierTests  # noqa: E402
from engagement.testing.policies import PolicyTests  # noqa: E402
from engagement.testing.recommenders import RecommenderTests  # noqa: E402
from engagement.testing.shop_offers import ShopOffersTests  # noqa: E402
from engagement.testing.shop_reviews import ShopReviewsTests  # noqa: E402

__all__ = [
    "AdapterTests",
    "ClassifierTests",
    "PolicyTests",
    "RecommenderTests",
    "ShopAdapterTests",
    "ShopOffersTests",
    "ShopReviewsTests",
]
