from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(models.TextChoices):
    """Where something that a customer wrote stands. Only what is published is ever shown."""

    PENDING = "pending", _("not looked at yet")
    PUBLISHED = "published", _("published")
    HELD = "held", _("held until a person has seen it")
    REJECTED = "rejected", _("rejected")
    WITHDRAWN = "withdrawn", _("withdrawn by its author")


class ReasonCode(models.TextChoices):
    """
    Why something is not published, by the codes that review platforms use among themselves.

    A flag of an analysis, a decision of a moderator, a policy and what the author is told all
    speak of these.
    """

    PERSONAL_DATA = "PII", _("it holds personal data")
    LINK = "URL", _("it holds a link or an address of a web site")
    PRICE = "PRI", _("it is about prices, which change")
    COMPETITOR = "CR", _("it is about a competitor")
    DIRECTS_AWAY = "DBA", _("it sends customers to another shop")
    PROFANITY = "PRF", _("it holds abuse or swear words")
    MISLEADING_STARS = "MSR", _("stars and words contradict each other")
    PICTURE = "IMG", _("its picture cannot be shown")
    SHIPPING = "SI", _("it is about the delivery, not about the product")
    IRRELEVANT = "VAC", _("it says nothing about the product")
    SPAM = "SPM", _("it is advertising or repeats itself")
    FRAUD = "FRD", _("we doubt that a customer wrote it")
    DUPLICATE = "DUP", _("the same text has been sent before")
    SERVICE = "CS", _("it is a question for our customer service")
    OTHER = "OTH", pgettext_lazy("reason", "something else")

    @property
    def is_editable(self) -> bool:
        """Whether the author can mend it by editing; the rest is final."""
        return self not in FINAL


# Who wrote it, or what for, does not change with its words.
FINAL = frozenset({ReasonCode.FRAUD, ReasonCode.SPAM, ReasonCode.DUPLICATE})


class SubjectKind(models.TextChoices):
    """What an analysis or a decision is about."""

    REVIEW = "review", _("review")
    SHOP = "shop", _("review that the shop keeps itself")
    POST = "post", _("post from elsewhere")
    PICTURE = "picture", _("picture")
    QUESTION = "question", _("question")
    ANSWER = "answer", _("answer")


class DecisionQuerySet(models.QuerySet["ModerationDecision"]):
    def of(self, kind: str, key: object) -> DecisionQuerySet:
        """Return the history of one subject, latest first."""
        return self.filter(subject_kind=kind, subject_key=str(key)).order_by("-pk")


class ModerationDecision(models.Model):
    """
    One change of a subject's status: by a moderator, by policy or by its author. Append-only;
    undoing is another decision.
    """

    class Actor(models.TextChoices):
        MODERATOR = "moderator", _("moderator")
        POLICY = "policy", _("policy")
        AUTHOR = "author", _("author")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    subject_kind = models.CharField(_("about"), max_length=8, choices=SubjectKind)
    # The key (UUID) of our own, the shop's own reference otherwise.
    subject_key = models.CharField(_("reference"), max_length=128)
    review = models.ForeignKey(
        "engagement.Review",
        verbose_name=_("review"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="decisions",
    )
    from_status = models.CharField(
        pgettext_lazy("status", "from"), max_length=9, choices=Status, blank=True, default=""
    )
    to_status = models.CharField(pgettext_lazy("status", "to"), max_length=9, choices=Status)
    reason = models.CharField(_("reason"), max_length=3, choices=ReasonCode, blank=True, default="")
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    actor = models.CharField(_("decided by"), max_length=9, choices=Actor)
    moderator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("moderator"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    # What the model said at that moment: {"sentiment", "probabilities", "score", "flags",
    # "artifact"}; empty where there was no analysis.
    opinion = models.JSONField(_("the model's opinion"), blank=True, default=dict)
    undoes = models.OneToOneField(
        "self",
        verbose_name=_("undoes"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="undone_by",
    )
    decided_at = models.DateTimeField(_("decided"), default=timezone.now)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        constraints = [
            models.CheckConstraint(
                name="engagement_decision_moderator_decides_as_one",
                condition=Q(actor="moderator") | Q(moderator__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_kind", "subject_key", "-id"], name="engagement_decision_history"
            ),
            # The transparency figure: how many, and why.
            models.Index(
                fields=["channel", "decided_at", "to_status", "reason"],
                name="engagement_decision_figures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_key}: {self.from_status} → {self.to_status}"
