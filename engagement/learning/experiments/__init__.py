"""Proving by experiment: who gets what, what came of it, and when that may be believed."""

from engagement.learning.experiments.assignment import assign, position, positions
from engagement.learning.experiments.effects import Effect, effect
from engagement.learning.experiments.moments import Moments
from engagement.learning.experiments.ratio import Ratio, sample_ratio

__all__ = [
    "Effect",
    "Moments",
    "Ratio",
    "assign",
    "effect",
    "position",
    "positions",
    "sample_ratio",
]
