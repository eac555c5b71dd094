from engagement.learning.evaluation.intervals import bootstrap
from engagement.learning.evaluation.metrics import Outcome, measure
from engagement.learning.evaluation.questions import (
    ALL,
    NEW,
    Questions,
    what_comes_next,
    what_goes_with,
)
from engagement.learning.evaluation.split import Split, by_time, holdout_days, renumber

__all__ = [
    "ALL",
    "NEW",
    "Outcome",
    "Questions",
    "Split",
    "bootstrap",
    "by_time",
    "holdout_days",
    "measure",
    "renumber",
    "what_comes_next",
    "what_goes_with",
]
