"""What customers say of an item, in sentences out of their own reviews."""

from __future__ import annotations

from engagement.flows import faults
from engagement.flows.understanding.summary import Summary, summary_of


def what_customers_say(item_id: int, language: str) -> Summary | None:
    """Return the summary of an item's reviews in a language; None where there is none."""
    try:
        with faults.contained():
            return summary_of(item_id, language) or None
    except Exception:
        faults.report("review.summary", "What customers say of an item cannot be summed up")
        return None
