from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from engagement.models.moderation import Status, SubjectKind


class Sentiment(models.TextChoices):
    NEGATIVE = "negative", _("negative")
    NEUTRAL = "neutral", _("neutral")
    POSITIVE = "positive", _("positive")


class ReviewAnalysisQuerySet(models.QuerySet["ReviewAnalysis"]):
    def of(self, kind: str, key: object) -> ReviewAnalysisQuerySet:
        """Return the analysis of one subject: one row or none."""
        return self.filter(subject_kind=kind, subject_key=str(key))


class ReviewAnalysis(models.Model):
    """
    What was understood of a review, a post, or a review that the shop keeps itself.

    One row a subject, replaced when another model reads it. The subject is named by
    ``subject_kind`` and ``subject_key`` (our own ``key``, or the shop's reference); ``review`` and
    ``post`` repeat it for joins. ``item``, ``rating`` and ``written_at`` are copied from the
    subject, so that charts read one table.
    """

    subject_kind = models.CharField(_("about"), max_length=8, choices=SubjectKind)
    subject_key = models.CharField(_("reference"), max_length=128)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    review = models.OneToOneField(
        "engagement.Review",
        verbose_name=_("review"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="analysis",
    )
    post = models.OneToOneField(
        "engagement.Post",
        verbose_name=_("post from elsewhere"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="analysis",
    )
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    rating = models.PositiveSmallIntegerField(_("stars"), null=True, blank=True)
    written_at = models.DateTimeField(_("written"))
    # The shop's answer when it was last asked; our own reviews know their status themselves.
    shop_status = models.CharField(
        _("status in the shop"), max_length=9, choices=Status, blank=True, default=""
    )
    artifact = models.ForeignKey(
        "engagement.ModelArtifact",
        verbose_name=_("model"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty for what needs no training."),
    )
    sentiment = models.CharField(_("sentiment"), max_length=8, choices=Sentiment)
    p_negative = models.FloatField(_("probability: negative"))
    p_neutral = models.FloatField(_("probability: neutral"))
    p_positive = models.FloatField(_("probability: positive"))
    score = models.FloatField(_("score"), help_text=_("From -1 (bad) to 1 (good)."))
    language = models.CharField(_("language"), max_length=16, blank=True, default="")
    # [{"aspect", "polarity", "quote", "start", "end"}]: characters of the subject's text.
    aspects = models.JSONField(_("aspects"), blank=True, default=list)
    # [{"code" (ReasonCode), "reason", "confidence", "spans": [[start, end]]}]
    flags = models.JSONField(_("flags"), blank=True, default=list)
    # A vector of 32-bit floats, little-endian, where the model has one.
    embedding = models.BinaryField(_("embedding"), null=True, blank=True)
    analysed_at = models.DateTimeField(_("analysed"))

    objects = ReviewAnalysisQuerySet.as_manager()

    class Meta:
        verbose_name = _("analysis")
        verbose_name_plural = _("analyses")
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_key"], name="engagement_analysis_subject"
            ),
            models.CheckConstraint(
                name="engagement_analysis_of_one_subject",
                condition=Q(subject_kind="review", review__isnull=False, post__isnull=True)
                | Q(subject_kind="post", review__isnull=True, post__isnull=False)
                | Q(subject_kind="shop", review__isnull=True, post__isnull=True),
            ),
            models.CheckConstraint(
                name="engagement_analysis_score_in_range",
                condition=Q(score__gte=-1.0, score__lte=1.0),
            ),
        ]
        indexes = [
            models.Index(
                fields=["channel", "written_at", "sentiment"], name="engagement_analysis_chart"
            ),
            models.Index(fields=["item", "written_at"], name="engagement_analysis_item"),
            models.Index(fields=["channel", "sentiment", "score"], name="engagement_analysis_mood"),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_key}: {self.sentiment}"

    @property
    def flag_codes(self) -> list[str]:
        return [flag["code"] for flag in self.flags]


class ReviewLabel(models.Model):
    """
    What a person says an analysis should have said: training data, and never overwritten by one.

    ``field`` is ``sentiment`` (``value`` one of :class:`Sentiment`), ``aspect:<name>`` (a
    polarity) or ``flag:<code>`` (``yes`` or ``no``).
    """

    subject_kind = models.CharField(_("about"), max_length=8, choices=SubjectKind)
    subject_key = models.CharField(_("reference"), max_length=128)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    review = models.ForeignKey(
        "engagement.Review",
        verbose_name=_("review"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="labels",
    )
    post = models.ForeignKey(
        "engagement.Post",
        verbose_name=_("post from elsewhere"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="labels",
    )
    field = models.CharField(_("what of it"), max_length=64)
    value = models.CharField(pgettext_lazy("label", "is"), max_length=32)
    labelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("said by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    labelled_at = models.DateTimeField(_("said"), default=timezone.now)

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_key", "field"], name="engagement_label_once"
            ),
        ]
        indexes = [
            models.Index(fields=["channel", "field"], name="engagement_label_field"),
        ]

    def __str__(self) -> str:
        return f"{self.field} = {self.value}"
