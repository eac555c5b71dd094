"""The two acts on models: each is shown, confirmed, and then done by a flow."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from engagement.admin import artifact_charts, links
from engagement.flows import locks
from engagement.flows.training import artifacts
from engagement.models import Activation, ModelArtifact

# Longer than reading a model from slow storage takes.
LOCK_SECONDS = 60


class Refused(Exception):
    """Why nothing was done, in words for whoever pressed the button."""


class _ConfirmedAct:
    """
    ``GET`` shows what would happen, ``POST`` does it.

    The form carries which activation was live when it was shown. Whoever presses twice, or after
    somebody else did, changes nothing the second time.
    """

    title = ""
    button = ""

    def __init__(self, page: Any) -> None:
        self.page = page

    def __call__(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.page.may_activate(request):
            raise PermissionDenied
        artifact = get_object_or_404(ModelArtifact, pk=pk)
        if request.method == "POST":
            return self._post(request, artifact)
        return self._ask(request, artifact)

    def _ask(self, request: HttpRequest, artifact: ModelArtifact) -> HttpResponse:
        current = _current(artifact)
        site = self.page.admin_site
        request.current_app = site.name
        try:
            target = self.target(artifact, current)
            refusal = ""
        except Refused as error:
            target, refusal = None, str(error)
        context = {
            **site.each_context(request),
            "title": self.heading(artifact),
            "opts": ModelArtifact._meta,
            "original": artifact,
            "current": current,
            "target": target,
            "current_verdict": artifact_charts.verdict(current.artifact) if current else "",
            "target_verdict": artifact_charts.verdict(target) if target else "",
            "refusal": refusal,
            "button": self.heading(artifact),
            "media": self.page.media,
        }
        return TemplateResponse(request, "admin/engagement/modelartifact/confirm.html", context)

    def _post(self, request: HttpRequest, artifact: ModelArtifact) -> HttpResponse:
        back = HttpResponseRedirect(
            links.page(self.page.admin_site, "modelartifact_change", artifact.pk)
        )
        try:
            with locks.lock(
                f"activation:{artifact.channel}:{artifact.alias}", seconds=LOCK_SECONDS
            ):
                current = _current(artifact)
                if request.POST.get("current") != (str(current.pk) if current else ""):
                    raise Refused(
                        _("What is live has changed meanwhile. Look again before you decide.")
                    )
                target = self.target(artifact, current)
                self.act(request, artifact)
        except (Refused, artifacts.CorruptArtifact) as error:
            said = _("Nothing was changed: %(reason)s") % {"reason": error}
            self.page.message_user(request, said, messages.ERROR)
            return back
        except locks.AlreadyRunning:
            said = _("Somebody else is just doing this. Look again in a moment.")
            self.page.message_user(request, said, messages.WARNING)
            return back
        said = _("%(model)s is live now; every process follows within seconds.") % {"model": target}
        self.page.log_change(request, target, str(said))
        self.page.message_user(request, said, messages.SUCCESS)
        return back

    # -- what each act is -------------------------------------------------------------------
    def heading(self, artifact: ModelArtifact) -> str:
        raise NotImplementedError

    def target(self, artifact: ModelArtifact, current: Activation | None) -> ModelArtifact:
        """Return what would be live afterwards; raises Refused where the act makes no sense."""
        raise NotImplementedError

    def act(self, request: HttpRequest, artifact: ModelArtifact) -> None:
        raise NotImplementedError


class ActivateView(_ConfirmedAct):
    def heading(self, artifact: ModelArtifact) -> str:
        return _("Activate %(model)s") % {"model": artifact}

    def target(self, artifact: ModelArtifact, current: Activation | None) -> ModelArtifact:
        if current is not None and current.artifact_id == artifact.pk:
            raise Refused(_("This model is live already."))
        return artifact

    def act(self, request: HttpRequest, artifact: ModelArtifact) -> None:
        # Read it whole before anyone depends on it.
        artifacts.check(artifact)
        artifacts.activate(
            artifact, at=timezone.now(), by=request.user, reason=gettext_noop("by hand")
        )


class RollBackView(_ConfirmedAct):
    def heading(self, artifact: ModelArtifact) -> str:
        return _("Roll “%(alias)s” back") % {"alias": artifact.alias}

    def target(self, artifact: ModelArtifact, current: Activation | None) -> ModelArtifact:
        earlier = artifacts.previous(artifact.alias, channel=artifact.channel)
        if current is None or earlier is None:
            raise Refused(_("There is no earlier model to go back to."))
        return earlier

    def act(self, request: HttpRequest, artifact: ModelArtifact) -> None:
        artifacts.roll_back(
            artifact.alias, channel=artifact.channel, at=timezone.now(), by=request.user
        )


def _current(artifact: ModelArtifact) -> Activation | None:
    rows = Activation.objects.filter(channel=artifact.channel, alias=artifact.alias)
    return rows.select_related("artifact").order_by("-pk").first()
