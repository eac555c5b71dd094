"""One visitor's past in numbers, detached from the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Profile:
    """
    Days are counted back from the moment of the question; None where there is nothing to count
    from. ``tastes`` are the shares (adding up to about 1) of category paths in what the visitor
    did in a year. Money is in the shop's currency, net of refunds.
    """

    n_orders: int = 0
    n_refunds: int = 0
    spent: Decimal = Decimal(0)
    mean_order_value: Decimal = Decimal(0)
    days_since_first: int | None = None
    days_since_visit: int | None = None
    days_since_order: int | None = None
    n_sessions_30d: int = 0
    n_views_30d: int = 0
    n_carts_30d: int = 0
    is_customer: bool = False
    language: str = ""
    # Whether the task has made a row of it, which can be added to.
    is_made: bool = False
    # By category path, of 10,000.
    tastes: Mapping[str, int] = field(default_factory=dict, hash=False)

    @property
    def is_new(self) -> bool:
        """Return whether nothing was ordered yet."""
        return self.n_orders == 0

    @property
    def refund_share(self) -> float:
        """Return which share of the orders was given back."""
        return min(self.n_refunds / self.n_orders, 1.0) if self.n_orders else 0.0

    def taste(self, category: str) -> float:
        """Return the share of a category, named by its path or any part of one."""
        return taste_of(self.tastes, category) / 10_000


def taste_of(tastes: Mapping[str, int], category: str) -> int:
    """Return the share, of 10,000, of all paths that lead through ``category``."""
    wanted = f" > {category} > "
    return sum(share for path, share in tastes.items() if wanted in f" > {path} > ")


STRANGER = Profile()
