"""Which models a protocol compares: its own, or those that somebody names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engagement.flows.importing.mapping import BadPlan
from engagement.learning import recommenders
from engagement.learning.recommenders import Recommender, recipes
from engagement.learning.recommenders.members import build

# What each protocol is for, and the models that it compares when nobody names any.
PROTOCOLS: dict[str, dict[str, recipes.Spec]] = {
    "time": recipes.SHOP,
    "last": recipes.SEQUENCES,
    "sequences": recipes.SEQUENCES,
    "files": recipes.PAIRS,
    "sessions": recipes.SESSIONS,
    "cold": recipes.COLD,
}
BLENDS: dict[str, recipes.Spec] = {
    "time": recipes.SHOP_BLEND,
    "last": recipes.SEQUENCES_BLEND,
    "sequences": recipes.SEQUENCES_BLEND,
    "files": recipes.PAIRS_BLEND,
    "sessions": recipes.SESSIONS_BLEND,
}


def models_for(protocol: str, names: Sequence[str]) -> dict[str, Callable[[], Recommender]]:
    """
    Return how to build each model named; none named: the protocol's own.

    A name is one of the protocol's models, ``blend``, a class of
    :mod:`engagement.learning.recommenders` or a dotted path, the last two with options behind a
    colon: ``EASE:{"regularization": 100}``. Raises BadPlan for any other.
    """
    known = PROTOCOLS[protocol]
    specs = {}
    for text in names or known:
        name, colon, rest = text.partition(":")
        try:
            options = json.loads(rest) if colon else {}
        except ValueError as problem:
            raise BadPlan(f"--model {text}: {problem}") from None
        if not isinstance(options, dict):
            raise BadPlan(f'--model {text}: options are an object, such as {{"n": 1}}.')
        specs[text] = {"BACKEND": _backend(protocol, name), "OPTIONS": options}
        if not colon and text in known:
            specs[text] = known[text]
        elif not colon and text == "blend" and protocol in BLENDS:
            specs[text] = BLENDS[protocol]
    for text, spec in specs.items():
        try:
            build(spec)
        except Exception as error:
            raise BadPlan(f"--model {text}: {error}") from None
    return {name: _builder(spec) for name, spec in specs.items()}


def _backend(protocol: str, name: str) -> str:
    if name in PROTOCOLS[protocol] or (name == "blend" and protocol in BLENDS):
        spec = PROTOCOLS[protocol].get(name) or BLENDS[protocol]
        return str(spec["BACKEND"])
    if "." in name:
        return name
    if name in recommenders.__all__ and name != "Recommender":
        return f"{recommenders.__name__}.{name}"
    there = [*PROTOCOLS[protocol], *(["blend"] if protocol in BLENDS else [])]
    classes = [one for one in recommenders.__all__ if one != "Recommender"]
    raise BadPlan(
        f"There is no model {name!r}; there are {', '.join(there)}; the classes "
        f"{', '.join(classes)}; and dotted paths."
    )


def _builder(spec: Mapping[str, Any]) -> Callable[[], Recommender]:
    return lambda: build(spec)
