from engagement.learning.sentiment.base import (
    CLASSES,
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Classifier,
    MissingExtra,
    build,
    score,
)
from engagement.learning.sentiment.ensemble import Ensemble
from engagement.learning.sentiment.lexicon import Lexicon
from engagement.learning.sentiment.pretrained import PretrainedClassifier
from engagement.learning.sentiment.seed import SeedModel
from engagement.learning.sentiment.seed_encoder import SeedEncoder
from engagement.learning.sentiment.spam import SpamClassifier
from engagement.learning.sentiment.tfidf import TfidfLogistic
from engagement.learning.sentiment.tiny import TinyEncoder
from engagement.learning.sentiment.transformer import Transformer

__all__ = [
    "CLASSES",
    "NEGATIVE",
    "NEUTRAL",
    "POSITIVE",
    "Classifier",
    "Ensemble",
    "Lexicon",
    "MissingExtra",
    "PretrainedClassifier",
    "SeedEncoder",
    "SeedModel",
    "SpamClassifier",
    "TfidfLogistic",
    "TinyEncoder",
    "Transformer",
    "build",
    "score",
]
