"""Public contract tests, to be inherited by whoever writes a backend or an adapter of their own."""

import pytest

pytest.register_assert_rewrite("engagement.testing.adapters", "engagement.testing.recommenders")

from engagement.testing.adapters import AdapterTests  # noqa: E402
from engagement.testing.recommenders import RecommenderTests  # noqa: E402

__all__ = ["AdapterTests", "RecommenderTests"]
