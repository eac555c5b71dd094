from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.linear import EASE
from engagement.learning.recommenders.neighbours import ItemKNN
from engagement.learning.recommenders.popular import MostPopular
from engagement.learning.recommenders.repeat import RepeatPurchase

__all__ = ["EASE", "ItemKNN", "MostPopular", "Recommender", "RepeatPurchase"]
