"""Choosing between arms: which offer, which banner, which strategy fills a shelf."""

from engagement.learning.bandits.base import Explanation, Policy, State
from engagement.learning.bandits.counts import UCB1, EpsilonGreedy, Uniform
from engagement.learning.bandits.hurdle import HurdleThompson
from engagement.learning.bandits.linear import LinearThompson, LinUCB
from engagement.learning.bandits.logistic import LogisticThompson
from engagement.learning.bandits.thompson import BetaThompson

__all__ = [
    "UCB1",
    "BetaThompson",
    "EpsilonGreedy",
    "Explanation",
    "HurdleThompson",
    "LinUCB",
    "LinearThompson",
    "LogisticThompson",
    "Policy",
    "State",
    "Uniform",
]
