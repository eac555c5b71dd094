from engagement.learning.recommenders.base import Recommender

__all__ = ["Recommender"]
