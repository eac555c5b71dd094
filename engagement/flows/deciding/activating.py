"""Going live and going back: one row each, after the log was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
from django.db import router, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engagement.flows.deciding import evaluating, learning, logs, policies
from engagement.flows.deciding.evaluating import Candidate, Evaluation, Verdict
from engagement.flows.locks import AlreadyRunning, lock
from engagement.models import DecisionPoint, PolicyActivation, PolicyVersion

YES_OR_NO = (DecisionPoint.Reward.CLICK, DecisionPoint.Reward.CONVERSION)
# Against the log, by someone who may.
FORCED = gettext_noop("against what the log says")
BACK = gettext_noop("rolled back")


class Refused(Exception):
    """
    The policy does not go live; the message says why.

    ``may_be_forced``: somebody with the permission may activate it all the same.
    """

    def __init__(self, message: str, *, may_be_forced: bool = False) -> None:
        super().__init__(message)
        self.may_be_forced = may_be_forced


def evaluate(version: PolicyVersion, *, at: datetime, rng: np.random.Generator) -> dict[str, Any]:
    """
    Judge a policy by its point's own log, store what comes out, and return it.

    Empty where the log holds nothing yet.
    """
    try:
        found = of_point(version.point, [candidate(version)], rng=rng)
    except evaluating.NothingToJudge:
        return {}
    told = {**found.as_json(), "at": at.isoformat(), **_live(version.point)}
    version.evaluation = told
    PolicyVersion.objects.filter(pk=version.pk).update(evaluation=told)
    return told


def of_point(
    point: DecisionPoint, candidates: list[Candidate], *, rng: np.random.Generator
) -> Evaluation:
    return evaluating.evaluate(logs.of_point(point), candidates, rng=rng)


def candidate(version: PolicyVersion) -> Candidate:
    return Candidate(version.name, version.backend, version.options, tuple(version.features))


def _live(point: DecisionPoint) -> dict[str, str]:
    row = current(point)
    return {"live": row.version.name if row else ""}


def current(point: DecisionPoint) -> PolicyActivation | None:
    """Return the activation that decides now."""
    rows = PolicyActivation.objects.filter(point=point).select_related("version")
    return rows.order_by("-pk").first()


def previous(point: DecisionPoint) -> PolicyVersion | None:
    """Return the policy that was live before the one that is."""
    now = current(point)
    if now is None:
        return None
    rows = PolicyActivation.objects.filter(point=point).exclude(version=now.version_id)
    earlier = rows.select_related("version").order_by("-pk").first()
    return earlier.version if earlier else None


def check(version: PolicyVersion) -> None:
    """Raise Refused for a policy that cannot decide here at all."""
    try:
        policy = policies.of(version)
    except policies.CannotBuild as error:
        raise Refused(_("It cannot be built: %(why)s") % {"why": error}) from error
    if version.point.reward not in YES_OR_NO and not policies.takes_money(policy):
        raise Refused(_("It takes rewards from 0 to 1, and this point's are money."))


def activate(
    version: PolicyVersion,
    *,
    at: datetime,
    rng: np.random.Generator,
    by: Any = None,
    reason: str = "",
    force: bool = False,
) -> PolicyActivation:
    """
    Let a policy decide; raises Refused.

    Where another one is live, the log is asked first: one that would earn less, or of which the log
    cannot tell, does not go live unless ``force`` says so, and that is kept. The first policy of a
    point has nothing to be compared with.
    """
    check(version)
    now = current(version.point)
    if now is not None and now.version_id == version.pk:
        raise Refused(_("This policy is live already."))
    against = ""
    if now is not None:
        told = evaluate(version, at=at, rng=rng)
        against = refusal(told)
        if against and not force:
            raise Refused(against, may_be_forced=True)
    row = _insert(version, at, by, FORCED if against else reason, was_forced=bool(against))
    _prepare(version, at)
    return row


def refusal(told: dict[str, Any]) -> str:
    """Return why the log speaks against a policy; "" where it does not."""
    if not told:
        return _("There is no log to judge it by yet.")
    judged = told["policies"][0]
    if judged["failure"] or Verdict(judged["verdict"]) in (Verdict.WORSE, Verdict.THIN):
        return evaluating.conclusion(judged)
    return ""


def roll_back(point: DecisionPoint, *, at: datetime, by: Any = None) -> PolicyActivation:
    """Let the policy decide again that did before; raises Refused where there is none."""
    earlier = previous(point)
    if earlier is None:
        raise Refused(_("There is no earlier policy to go back to."))
    row = _insert(earlier, at, by, BACK)
    _prepare(earlier, at)
    return row


def _insert(
    version: PolicyVersion, at: datetime, by: Any, reason: str, *, was_forced: bool = False
) -> PolicyActivation:
    with transaction.atomic(using=router.db_for_write(PolicyActivation)):
        # One after the other: two people who press at once both see what they did.
        DecisionPoint.objects.select_for_update().get(pk=version.point_id)
        return PolicyActivation.objects.create(
            point_id=version.point_id,
            version=version,
            activated_at=at,
            activated_by=by,
            reason=reason,
            was_forced=was_forced,
        )


def _prepare(version: PolicyVersion, at: datetime) -> None:
    """Let the policy learn what the log knows, so that it need not begin from nothing."""
    try:
        with lock(f"deciding:{version.point_id}", seconds=learning.LONGEST):
            learning.catch_up(version, at=at)
    except AlreadyRunning:
        # The worker is at it, and takes this policy with it next time.
        return
