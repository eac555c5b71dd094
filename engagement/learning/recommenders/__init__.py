from engagement.learning.recommenders.base import Recommender
from engagement.learning.recommenders.blend import Blend
from engagement.learning.recommenders.content import ContentSimilarity
from engagement.learning.recommenders.ensemble import Ensemble
from engagement.learning.recommenders.factors import BPR, IALS
from engagement.learning.recommenders.graph import GraphFilter, RP3Beta
from engagement.learning.recommenders.hybrid import HybridFactors
from engagement.learning.recommenders.linear import EASE
from engagement.learning.recommenders.neighbours import ItemKNN
from engagement.learning.recommenders.popular import MostPopular
from engagement.learning.recommenders.regions import PopularInRegion
from engagement.learning.recommenders.repeat import RepeatPurchase
from engagement.learning.recommenders.sasrec import SASRec
from engagement.learning.recommenders.sequence import NextItem, SequenceRules
from engagement.learning.recommenders.sessions import SessionKNN
from engagement.learning.recommenders.together import BoughtTogether
from engagement.learning.recommenders.userknn import AsymmetricKNN, UserKNN
from engagement.learning.recommenders.walks import SequenceWalk

__all__ = [
    "BPR",
    "EASE",
    "IALS",
    "AsymmetricKNN",
    "Blend",
    "BoughtTogether",
    "ContentSimilarity",
    "Ensemble",
    "GraphFilter",
    "HybridFactors",
    "ItemKNN",
    "MostPopular",
    "NextItem",
    "PopularInRegion",
    "RP3Beta",
    "Recommender",
    "RepeatPurchase",
    "SASRec",
    "SequenceRules",
    "SequenceWalk",
    "SessionKNN",
    "UserKNN",
]
