"""A recommender that takes as long to learn as a test wants it to."""

import os
import time
from pathlib import Path

from engagement.learning.recommenders import MostPopular


class Slow(MostPopular):
    """Best sellers; while the file ``hold`` is there, learning does not end."""

    def fit(self, interactions, *, rng=None):
        folder = Path(os.environ["ENGAGEMENT_TESTS_FOLDER"])
        (folder / f"fitting-{os.getpid()}").touch()
        while (folder / "hold").exists():
            time.sleep(0.02)
        return super().fit(interactions, rng=rng)
