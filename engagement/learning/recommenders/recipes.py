"""
Settings that suit a kind of data, found on held-out days: where to begin, not what to end with.

Each recipe names models as the settings do: ``{"BACKEND": dotted path, "OPTIONS": {…}}``.
"""

from __future__ import annotations

from typing import Any

HERE = "engagement.learning.recommenders"
Spec = dict[str, Any]


def _spec(backend: str, **options: Any) -> Spec:
    return {"BACKEND": f"{HERE}.{backend}", "OPTIONS": options}


# -- shops whose customers return, with times -----------------------------------------------
SHOP: dict[str, Spec] = {
    "best sellers, 28 days": _spec("popular.MostPopular", window_days=28, half_life_days=7),
    "own purchases": _spec("repeat.RepeatPurchase"),
    "ItemKNN": _spec("neighbours.ItemKNN", weighting="bm25", half_life_days=60),
    "EASE": _spec("linear.EASE", half_life_days=60),
    "RP3β": _spec("graph.RP3Beta", half_life_days=60),
    "UserKNN, lately": _spec("userknn.UserKNN", half_life_days=120, recent_days=21),
}
SHOP_BLEND: Spec = _spec("blend.Blend", strength_power=0, n_candidates=100, n_ranked=350)
SHOP_BLEND_NEW: Spec = {**SHOP_BLEND, "OPTIONS": {**SHOP_BLEND["OPTIONS"], "repeats": False}}

# -- visits of strangers ----------------------------------------------------------------------
_RULES = {"history_decay": 0.8}
_NEAR = {"history_decay": 0.7, "reach": 2.0, "length_power": 0.25}
_WIDE = {"history_decay": 0.9, "reach": 1e6, "before": 1.0, "n_neighbours": 200}
SESSIONS: dict[str, Spec] = {
    "sequence rules": _spec("sequence.SequenceRules", **_RULES),
    "session neighbours": _spec("sessions.SessionKNN", **_NEAR),
    "sequence walk": _spec("walks.SequenceWalk"),
}
SESSIONS_BLEND: Spec = _spec(
    "blend.Blend",
    members={
        "near": _spec("sessions.SessionKNN", **_NEAR),
        "wide": _spec("sessions.SessionKNN", **_WIDE),
        "rules": _spec("sequence.SequenceRules", **_RULES),
        "step": _spec("sequence.SequenceRules", history_decay=0.1, window=1, normalisation=0.0),
        "walk": _spec("walks.SequenceWalk"),
        "factors": _spec("factors.IALS", n_factors=128, alpha=30.0, regularization=0.1),
    },
    answers="next",
    horizon_days=14,
    n_questions=10_000,
    n_candidates=80,
    n_ranked=150,
    n_trees=200,
)

# -- an order and no times --------------------------------------------------------------------
SEQUENCES: dict[str, Spec] = {
    "rules": _spec("sequence.SequenceRules", history_decay=0.7, normalisation=0.5),
    "sessions": _spec("sessions.SessionKNN", history_decay=0.8, reach=3.0, before=0.5),
    "last": _spec("sequence.SequenceRules", n_last=1, normalisation=1.0),
    "alike": _spec("userknn.UserKNN", half_life_days=5),
    "walk": _spec("graph.RP3Beta", alpha=0.8, beta=0.3, half_life_days=5),
}
SEQUENCES_BLEND: Spec = _spec(
    "blend.Blend",
    members={
        **SEQUENCES,
        "factors": _spec(
            "factors.IALS", n_factors=128, alpha=30.0, regularization=0.1, half_life_days=5
        ),
    },
    answers="last",
    repeats=False,
    horizon_days=5,
    n_questions=12_000,
    n_candidates=60,
    n_ranked=120,
    n_trees=200,
    n_leaves=15,
)

# -- who met what, and nothing else -------------------------------------------------------------
PAIRS: dict[str, Spec] = {
    "ItemKNN": _spec("neighbours.ItemKNN", weighting="bm25"),
    "UserKNN": _spec("userknn.UserKNN"),
    "RP3β": _spec("graph.RP3Beta", n_neighbours=777, alpha=0.566, beta=0.25),
    "graph filter": _spec(
        "graph.GraphFilter", n_factors=1024, ideal=0.5, regularization=0.2, damping=0.4
    ),
}
# The filter knows what neighbours agree on, factors that trust a meeting thirty times more than its
# absence know what is rare: they err differently.
PAIRS_BLEND: Spec = _spec(
    "ensemble.Ensemble",
    members={
        "filter": PAIRS["graph filter"],
        "factors": _spec("factors.IALS", n_factors=256, alpha=30.0, regularization=0.1),
    },
)

# -- items that nobody has touched --------------------------------------------------------------
COLD: dict[str, Spec] = {"texts": _spec("content.ContentSimilarity")}
