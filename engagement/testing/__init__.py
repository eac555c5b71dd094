"""Public contract tests, to be inherited by whoever writes a backend of their own."""

import pytest

pytest.register_assert_rewrite("engagement.testing.recommenders")

from engagement.testing.recommenders import RecommenderTests  # noqa: E402

__all__ = ["RecommenderTests"]
