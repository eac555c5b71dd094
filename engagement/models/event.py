from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class EventName(models.IntegerChoices):
    """
    What can happen, by the names of Google Analytics 4 and three of our own.

    The numbers are stored and must never change; the lower-case member name is what the outside
    world reads and writes.
    """

    VIEW_ITEM_LIST = 1, _("list seen")
    SELECT_ITEM = 2, _("clicked in a list")
    VIEW_ITEM = 3, _("item viewed")
    SEARCH = 4, _("searched")
    ADD_TO_WISHLIST = 5, _("added to wish list")
    ADD_TO_CART = 6, _("added to cart")
    REMOVE_FROM_CART = 7, _("removed from cart")
    VIEW_CART = 8, _("cart viewed")
    BEGIN_CHECKOUT = 9, _("checkout begun")
    PURCHASE = 10, _("bought")
    REFUND = 11, _("refunded")
    VIEW_PROMOTION = 12, _("promotion seen")
    SELECT_PROMOTION = 13, _("promotion clicked")
    SUBMIT_REVIEW = 14, _("reviewed")
    VOTE_REVIEW = 15, _("voted on a review")
    HIDE_ITEM = 16, _("asked not to see again")

    @property
    def code(self) -> str:
        return self.name.lower()

    @classmethod
    def from_code(cls, code: str) -> EventName:
        """Return the member for ``view_item`` and so on; raises KeyError for anything else."""
        return cls[code.upper()]


class Event(models.Model):
    """
    One thing that happened to one item (or, for searches and carts, to none). Append-only.

    ``key`` makes replays harmless: it is derived from the sender's event id and line, or from the
    order and line of a purchase, and is unique.
    """

    key = models.UUIDField(_("key"), unique=True, editable=False)
    channel = models.CharField(_("channel"), max_length=32, blank=True, default="")
    event = models.PositiveSmallIntegerField(_("event"), choices=EventName)
    visitor = models.ForeignKey(
        "engagement.Visitor",
        verbose_name=_("visitor"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
        help_text=_("Empty for a guest's order of the past whose buyer is unknown."),
    )
    item = models.ForeignKey(
        "engagement.Item",
        verbose_name=_("item"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        db_index=False,
    )
    variant_id = models.CharField(_("variant"), max_length=64, blank=True, default="")
    session_id = models.CharField(_("session"), max_length=64, blank=True, default="")
    event_time = models.DateTimeField(_("moment"))
    recorded_at = models.DateTimeField(_("stored"), auto_now_add=True)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    value = models.DecimalField(
        pgettext_lazy("money", "value"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text=_("The money of the whole line."),
    )
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    order_ref = models.CharField(_("order"), max_length=64, blank=True, default="")
    query = models.CharField(_("search words"), max_length=200, blank=True, default="")
    placement = models.CharField(_("placement"), max_length=64, blank=True, default="")
    recommendation_id = models.CharField(_("recommendation"), max_length=32, blank=True, default="")
    rank = models.PositiveSmallIntegerField(_("rank"), null=True, blank=True)
    promotion_id = models.CharField(_("promotion"), max_length=64, blank=True, default="")
    propensity = models.FloatField(
        _("propensity"),
        null=True,
        blank=True,
        help_text=_("With what chance the item came to this place; empty where none was drawn."),
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.CheckConstraint(
                name="engagement_event_value_not_negative",
                condition=Q(value__isnull=True) | Q(value__gte=0),
            ),
            models.CheckConstraint(
                name="engagement_event_money_has_a_currency_or_none",
                condition=Q(value__isnull=False) | Q(currency=""),
            ),
            models.CheckConstraint(
                name="engagement_event_propensity_is_a_chance",
                condition=Q(propensity__isnull=True) | Q(propensity__gt=0, propensity__lte=1),
            ),
            models.CheckConstraint(
                name="engagement_purchase_has_an_item",
                condition=~Q(event=EventName.PURCHASE) | Q(item__isnull=False),
            ),
        ]
        indexes = [
            # A visitor's history, newest first: every personal recommendation asks for it.
            models.Index(fields=["visitor", "-event_time"], name="engagement_event_history"),
            # The training window, and the admin's list and counts: with the kind of event in it,
            # events are counted and narrowed to one kind without reading their rows.
            models.Index(fields=["channel", "event_time", "event"], name="engagement_event_window"),
            # Item pages of the admin, latest event first; also what deleting an item needs.
            models.Index(fields=["item", "-event_time", "event"], name="engagement_event_item"),
            # Clicks and purchases that belong to a shelf.
            models.Index(
                fields=["channel", "placement", "event_time"],
                name="engagement_event_placement",
                condition=~Q(placement=""),
            ),
            # All lines of one order: what a shop's support asks for by its number.
            models.Index(
                fields=["channel", "order_ref"],
                name="engagement_event_order",
                condition=~Q(order_ref=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{EventName(self.event).code} {self.event_time:%Y-%m-%d %H:%M}"
