from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Visitor(models.Model):
    """
    Someone who visits the shop, under a pseudonym.

    ``key`` is a random first-party id, or the HMAC of a customer's id. Signing in sets
    ``merged_into`` on the anonymous visitor: what was done before belongs to the customer.
    """

    class Exclusion(models.TextChoices):
        NONE = "", pgettext_lazy("learning", "counts")
        STAFF = "staff", _("works here")
        BOT = "bot", _("is a machine")

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    key = models.CharField(_("key"), max_length=64)
    # None of our keys to users is held by the database: a shop that has taken the app out can
    # delete its users, while our tables, which Django no longer knows of, still stand.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
    )
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("signed in as"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="merged",
    )
    consent = models.BooleanField(_("consent"), null=True, blank=True)
    exclusion = models.CharField(
        _("left out of learning"), max_length=8, choices=Exclusion, blank=True, default=""
    )
    # Where the key falls among 10,000 places: those below HOLDOUT_SHARE are held out. Follows from
    # the key; kept so that the database can count who is.
    bucket = models.PositiveSmallIntegerField(
        _("place in the hold-out"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("first seen"), auto_now_add=True)

    class Meta:
        verbose_name = _("visitor")
        verbose_name_plural = _("visitors")
        constraints = [
            models.UniqueConstraint(fields=["channel", "key"], name="engagement_visitor_key"),
            models.CheckConstraint(
                name="engagement_visitor_not_merged_into_itself",
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key[:10]}…" if len(self.key) > 10 else self.key
