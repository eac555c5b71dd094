from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class ItemQuerySet(models.QuerySet["Item"]):
    def of_channel(self, channel: str) -> ItemQuerySet:
        return self.filter(channel=channel)

    def sellable(self) -> ItemQuerySet:
        """Return items that may be shown; the shop's live answer is asked again before they are."""
        return self.filter(is_active=True, is_available=True)

    def ids_by_key(self, channel: str, keys: Iterable[str]) -> dict[str, int]:
        """Return internal ids by external key, for the keys that are known."""
        found: dict[str, int] = {}
        wanted = list(dict.fromkeys(keys))
        # SQLite takes at most 32,766 parameters in a statement, older ones 999.
        for start in range(0, len(wanted), 900):
            rows = self.of_channel(channel).filter(key__in=wanted[start : start + 900])
            found.update(rows.values_list("key", "pk"))
        return found


class Item(models.Model):
    """
    The mirror of one product of the shop's catalogue.

    It serves training, filters and the JSON API; a rendered shelf always shows the shop's own
    live object. ``key`` is the shop's key with the type before it where a shop has several
    product models (``phone:42``); it is what the outside world uses.
    """

    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    item_type = models.CharField(_("type"), max_length=32, blank=True, default="")
    external_id = models.CharField(_("shop's key"), max_length=128)
    key = models.CharField(_("key"), max_length=161, editable=False)
    group_key = models.CharField(
        pgettext_lazy("variants", "group"),
        max_length=128,
        blank=True,
        default="",
        help_text=_("The parent product; variants of one group count as one item on a shelf."),
    )
    title = models.CharField(_("title"), max_length=255)
    text = models.TextField(_("text"), blank=True, default="")
    category = models.CharField(
        _("category path"),
        max_length=255,
        blank=True,
        default="",
        help_text=_("Widest category first, separated by “ > ”."),
    )
    price = models.DecimalField(_("price"), max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    image_url = models.CharField(_("picture"), max_length=500, blank=True, default="")
    url = models.CharField(_("page"), max_length=500, blank=True, default="")
    attributes = models.JSONField(_("attributes"), blank=True, default=dict)
    is_active = models.BooleanField(_("shown in the shop"), default=True)
    is_available = models.BooleanField(_("can be bought"), default=True)
    created_at = models.DateTimeField(_("first seen"), auto_now_add=True)
    synced_at = models.DateTimeField(_("synchronised"), null=True, blank=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("item")
        verbose_name_plural = _("items")
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "item_type", "external_id"], name="engagement_item_identity"
            ),
            models.UniqueConstraint(fields=["channel", "key"], name="engagement_item_key"),
        ]
        indexes = [
            models.Index(fields=["channel", "category"], name="engagement_item_category"),
            models.Index(fields=["channel", "-created_at"], name="engagement_item_newest"),
        ]

    def __str__(self) -> str:
        return self.title or self.key

    def save(self, *args: object, **kwargs: object) -> None:
        self.key = self.make_key(self.item_type, self.external_id)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @staticmethod
    def make_key(item_type: str, external_id: str) -> str:
        return f"{item_type}:{external_id}" if item_type else external_id

    @property
    def category_path(self) -> list[str]:
        return self.category.split(" > ") if self.category else []

    def facts(self) -> Mapping[str, object]:
        """Return what a placement's rules may look at."""
        return {
            "key": self.key,
            "category": self.category,
            "price": self.price,
            "group": self.group_key,
            "attributes": self.attributes,
        }
