"""What fills a place on a page: the row of the admin, or the stock placement of that name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.apps import apps as global_apps
from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from engagement.conf import app_settings
from engagement.models import Placement, PlacementRule

# Strategies that need no model.
RECENTLY_VIEWED = "recently_viewed"
NEWEST = "newest"
BEST_SELLERS = "best_sellers"
BUILT_IN = (RECENTLY_VIEWED, NEWEST, BEST_SELLERS)


@dataclass(frozen=True, slots=True)
class Rule:
    """One merchandiser's wish, as :class:`PlacementRule` stores it."""

    action: str
    field: str
    value: str
    factor: float = 1.0
    position: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Return whether ``at`` lies in the rule's dates; the end itself lies outside."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )


@dataclass(frozen=True, slots=True)
class PlacementConfig:
    """A placement as serving needs it: detached from the database, safe to share by threads."""

    name: str
    strategies: tuple[str, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)
    stock_title: str | Promise = field(default="", hash=False)
    n: int = 6
    min_items: int = 1
    diversity: float = 0.0
    diversify_by: str = Placement.Diversity.TURNS.value
    objective: str = ""
    exploration: float = 0.0
    one_of_each: bool = True
    same_category: bool = False
    other_category: bool = False
    exclude_in_cart: bool = True
    exclude_bought: bool = False
    is_active: bool = True
    rules: tuple[Rule, ...] = ()

    @property
    def page(self) -> str:
        return self.name.partition(".")[0]

    @property
    def falls_back(self) -> bool:
        """
        Whether popular items may fill what the strategies leave empty.

        «Buy again» and «recently viewed» promise the visitor's own past: nothing else keeps it.
        """
        return any(not is_memory(strategy) for strategy in self.strategies)

    def rules_at(self, at: datetime) -> list[Rule]:
        """Return the rules that hold at a moment."""
        return [rule for rule in self.rules if rule.holds(at)]

    def title(self, language: str | None = None) -> str:
        """Return the title in ``language`` (default: the active one), or the stock title in it."""
        wanted = language or get_language() or settings.LANGUAGE_CODE
        for code in (wanted, wanted.partition("-")[0]):
            if self.titles.get(code):
                return self.titles[code]
        if not self.stock_title and self.titles:
            site = self.titles.get(settings.LANGUAGE_CODE)
            return site or next(iter(self.titles.values()))
        if self.stock_title:
            return str(self.stock_title)
        return self.name.partition(".")[2].replace("_", " ").capitalize()


def is_memory(strategy: str) -> bool:
    """Return whether a strategy only repeats what the visitor has seen or bought."""
    if strategy == RECENTLY_VIEWED:
        return True
    spec = app_settings.RECOMMENDERS.get(strategy)
    return bool(spec) and spec.get("INPUT") == "purchases"


def _stock(*configs: PlacementConfig) -> dict[str, PlacementConfig]:
    return {config.name: config for config in configs}


STOCK: dict[str, PlacementConfig] = _stock(
    PlacementConfig(
        "home.for_you",
        ("for_you", "trending"),
        stock_title=_("Recommended for you"),
        n=12,
        diversity=0.3,
        exclude_bought=True,
    ),
    PlacementConfig("home.trending", ("trending",), stock_title=_("Popular right now"), n=12),
    PlacementConfig("home.buy_again", ("buy_again",), stock_title=_("Buy it again"), n=12),
    PlacementConfig(
        "home.recently_viewed", (RECENTLY_VIEWED,), stock_title=_("Recently viewed"), n=12
    ),
    PlacementConfig(
        "home.people_like_you",
        ("people_like_you", "for_you"),
        stock_title=_("People like you chose"),
        n=12,
        diversity=0.3,
        exclude_bought=True,
    ),
    PlacementConfig("home.new_arrivals", (NEWEST,), stock_title=_("New arrivals"), n=12),
    PlacementConfig(
        "product.similar", ("similar",), stock_title=_("You may also like"), same_category=True
    ),
    PlacementConfig(
        "product.bought_together",
        ("bought_together",),
        stock_title=_("Goes well with this"),
        other_category=True,
    ),
    PlacementConfig(
        "product.recently_viewed", (RECENTLY_VIEWED,), stock_title=_("Recently viewed")
    ),
    PlacementConfig("category.top", ("trending",), stock_title=_("Best sellers"), n=12),
    PlacementConfig(
        "cart.complete_the_set",
        ("bought_together", "for_you"),
        stock_title=_("Complete your basket"),
        diversity=0.3,
    ),
    PlacementConfig(
        "confirmation.also_bought",
        ("bought_together", "for_you"),
        stock_title=_("Others also bought"),
        diversity=0.3,
    ),
    PlacementConfig("account.buy_again", ("buy_again",), stock_title=_("Buy it again"), n=12),
    PlacementConfig(
        "account.for_you",
        ("for_you", "trending"),
        stock_title=_("Recommended for you"),
        n=12,
        diversity=0.3,
        exclude_bought=True,
    ),
    # By what a search's results are put into order, and what is shown where the shop asks for it.
    PlacementConfig("search.results", ("for_you",), stock_title=_("You may be looking for"), n=12),
    PlacementConfig(
        "search.no_results", ("for_you", "trending"), stock_title=_("You may be looking for"), n=12
    ),
)

# What a row takes over from the stock placement of its name.
_FIELDS = (
    "n",
    "min_items",
    "diversity",
    "diversify_by",
    "objective",
    "exploration",
    "one_of_each",
    "same_category",
    "other_category",
    "exclude_in_cart",
    "exclude_bought",
    "is_active",
)


def from_row(row: Placement) -> PlacementConfig:
    """Return the placement that ``row`` (with its rules) describes."""
    stock = STOCK.get(row.name, PlacementConfig(row.name))
    return replace(
        stock,
        strategies=tuple(str(name) for name in row.strategies or ()),
        titles={str(code): str(title) for code, title in (row.titles or {}).items()},
        rules=tuple(_rule(rule) for rule in sorted(row.rules.all(), key=lambda rule: rule.pk)),
        **{name: getattr(row, name) for name in _FIELDS},
    )


def _rule(row: PlacementRule) -> Rule:
    return Rule(
        row.action, row.field, row.value, row.factor, row.position, row.starts_at, row.ends_at
    )


def read_all() -> dict[tuple[str, str], PlacementConfig]:
    """Return every stored placement by channel and name, in two queries."""
    rows = Placement.objects.prefetch_related("rules")
    return {(row.channel, row.name): from_row(row) for row in rows}


def create_defaults(channel: str = "") -> int:
    """Store the stock placements that are missing, for the admin to change; return how many."""
    known = set(Placement.objects.filter(channel=channel).values_list("name", flat=True))
    missing: list[Placement] = []
    for config in STOCK.values():
        if config.name not in known:
            values: dict[str, Any] = {name: getattr(config, name) for name in _FIELDS}
            missing.append(
                Placement(
                    channel=channel,
                    name=config.name,
                    strategies=list(config.strategies),
                    **values,
                )
            )
    Placement.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def follow_migration(*, using: str, apps: Any = None, **kwargs: Any) -> None:
    """Create the stock placements in the database that was just migrated to what we know now."""
    if using != Placement.objects.db:
        return
    try:
        migrated = (apps or global_apps).get_model("engagement", "Placement")
    except LookupError:
        return
    if _columns(migrated) == _columns(Placement):
        create_defaults()


def _columns(model: Any) -> set[str]:
    return {column.attname for column in model._meta.concrete_fields}
