"""What settings say about reviews."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import Warning

from engagement.adapters.model_reviews import READ
from engagement.checks import named
from engagement.checks.hints import Messages, suggestion, wrong
from engagement.conf import app_settings
from engagement.flows.reviews.pictures import can_take_pictures
from engagement.flows.reviews.policy import ACTIONS
from engagement.models import ReasonCode, Status

CHOICES = {
    "REVIEW_AUTHORS": ("visitors", "customers", "buyers"),
    "REVIEW_MODERATION": ("flagged", "all"),
    "REVIEW_ERASURE": ("anonymise", "delete"),
}
OWN = ("MODEL", *READ, "CREATED_AT", "STATUS", "STATUSES", "CHANGED")


def reviews() -> Messages:
    for name, choices in CHOICES.items():
        value = getattr(app_settings, name)
        if value not in choices:
            yield wrong(
                f"ENGAGEMENT[{name!r}] is {value!r}.", f"It is one of {', '.join(choices)}."
            )
    for code, action in app_settings.REVIEW_POLICY.items():
        if code not in ReasonCode.values:
            yield wrong(
                f"ENGAGEMENT['REVIEW_POLICY'] names the flag {code!r}, which does not exist.",
                suggestion(code, ReasonCode.values),
            )
        elif action not in ACTIONS:
            yield wrong(
                f"ENGAGEMENT['REVIEW_POLICY'][{code!r}] is {action!r}.",
                f"It is one of {', '.join(ACTIONS)}.",
            )
    # A shop that never asked for pictures is not told that it has none.
    asked = app_settings.is_set("REVIEW_PICTURES") and app_settings.REVIEW_PICTURES
    if asked and not can_take_pictures():
        yield Warning(
            "Reviews take no pictures, because Pillow is not installed.",
            hint="pip install django-engagement[pictures], or set REVIEW_PICTURES to 0.",
            id="engagement.W012",
        )
    yield from _own(dict(app_settings.REVIEWS))


def _own(names: dict[str, Any]) -> Messages:
    """Check the model of the reviews that the shop keeps itself."""
    if not names:
        return
    place = "['REVIEWS']"
    yield from named.unknown_parts(place, names, OWN)
    try:
        model = apps.get_model(names.get("MODEL", ""))
    except (LookupError, ValueError):
        yield wrong(
            f"ENGAGEMENT['REVIEWS'] names the model {names.get('MODEL')!r}, which does not exist.",
            'Write "MODEL": "app.Model".',
        )
        return
    for part in READ:
        yield from named.accessor(f"{place}[{part!r}]", names.get(part), model)
    yield from named.accessor(
        f"{place}['CREATED_AT']", names.get("CREATED_AT", "created_at"), model
    )
    status = names.get("STATUS") or ()
    columns = [status] if isinstance(status, str) else list(status)
    for column in columns:
        yield from named.accessor(f"{place}['STATUS']", column, model)
    for theirs, ours in names.get("STATUSES", {}).items():
        if ours not in Status.values:
            yield wrong(
                f"ENGAGEMENT['REVIEWS']['STATUSES'] takes {theirs!r} for {ours!r}.",
                f"It is one of {', '.join(Status.values)}.",
            )
        if len(columns) > 1 and (not isinstance(theirs, tuple) or len(theirs) != len(columns)):
            yield wrong(
                f"ENGAGEMENT['REVIEWS']['STATUSES'] has the status {theirs!r}.",
                f"It has a value for each of {', '.join(columns)}.",
            )
    yield from named.function(f"{place}['CHANGED']", names.get("CHANGED"))
