"""The households that the sign-in page offers: contrasting ones, found by what they buy."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Somebody who is shown must have bought enough for the shelves to know them.
MIN_VISITS = 25
MIN_LINES = 200


@dataclass(frozen=True)
class Persona:
    key: str
    title: Promise | str
    text: Promise | str
    picture: str
    # The category addresses whose share of the household's purchases is largest among all.
    likes: tuple[str, ...]
    avoids: tuple[str, ...] = ()


PERSONAS = (
    Persona(
        "baby",
        _("Family with a baby"),
        _("Purées, diapers and a big weekly shop."),
        "baby-bottle",
        ("baby",),
    ),
    Persona(
        "cats",
        _("Cat people"),
        _("Never without a tray of cat food."),
        "cat-face",
        ("cats",),
    ),
    Persona(
        "greens",
        _("Green kitchen"),
        _("Fruit, vegetables and salads; hardly any meat."),
        "broccoli",
        ("fruit", "vegetables", "salads-herbs", "organic"),
        ("beef-pork", "poultry", "sausages-bacon", "cold-cuts"),
    ),
    Persona(
        "quick",
        _("Quick meals"),
        _("Frozen dinners and pizza after work."),
        "pizza",
        ("frozen-meals", "frozen-pizza"),
    ),
    Persona(
        "baker",
        _("Home baker"),
        _("Flour, sugar, butter and eggs."),
        "cupcake",
        ("baking", "butter-eggs"),
    ),
    Persona(
        "dogs",
        _("Dog household"),
        _("Biscuits for the dog come first."),
        "dog-face",
        ("dogs",),
    ),
)
BY_KEY = {persona.key: persona for persona in PERSONAS}


def choose(lines: pd.DataFrame, category_of: dict[int, str]) -> dict[str, int]:
    """
    Return a household for each persona: the one that buys most of what it likes, in shares.

    A household stands for one persona only. Personas that nobody fits are left out.
    """
    of_household = lines.groupby("household")["basket"]
    visits, bought = of_household.nunique(), of_household.size()
    regulars = visits.index[(visits >= MIN_VISITS) & (bought >= MIN_LINES)]
    if len(regulars) < 10 * len(PERSONAS):
        # In a small shop nobody comes that often.
        regulars = visits.index
    table = pd.DataFrame(
        {"household": lines["household"], "category": lines["product"].map(category_of)}
    ).dropna()
    counts = table[table["household"].isin(regulars)].value_counts().unstack(fill_value=0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    chosen: dict[str, int] = {}
    for persona in PERSONAS:
        liked = shares.reindex(columns=list(persona.likes), fill_value=0.0).sum(axis=1)
        avoided = shares.reindex(columns=list(persona.avoids), fill_value=0.0).sum(axis=1)
        score = (liked - 2 * avoided).drop(index=list(chosen.values()), errors="ignore")
        if not score.empty and score.max() > 0:
            chosen[persona.key] = int(score.idxmax())
    return chosen
