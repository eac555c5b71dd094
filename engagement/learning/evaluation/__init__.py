from engagement.learning.evaluation.cold_items import COLD, cold_items
from engagement.learning.evaluation.fixed_split import fixed_split
from engagement.learning.evaluation.intervals import bootstrap
from engagement.learning.evaluation.leave_last_out import leave_last_out
from engagement.learning.evaluation.metrics import PER_QUESTION, Outcome, measure
from engagement.learning.evaluation.next_in_session import next_in_session, prefixes_and_targets
from engagement.learning.evaluation.questions import (
    ALL,
    NEW,
    Questions,
    what_comes_next,
    what_goes_with,
)
from engagement.learning.evaluation.split import Split, by_time, holdout_days, renumber
from engagement.learning.evaluation.tasks import EVERYONE, Task, popularity
from engagement.learning.evaluation.time_split import time_split

__all__ = [
    "ALL",
    "COLD",
    "EVERYONE",
    "NEW",
    "PER_QUESTION",
    "Outcome",
    "Questions",
    "Split",
    "Task",
    "bootstrap",
    "by_time",
    "cold_items",
    "fixed_split",
    "holdout_days",
    "leave_last_out",
    "measure",
    "next_in_session",
    "popularity",
    "prefixes_and_targets",
    "renumber",
    "time_split",
    "what_comes_next",
    "what_goes_with",
]
