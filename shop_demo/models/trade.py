from __future__ import annotations

import uuid
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from shop_demo.models.catalogue import Product

MAX_PER_LINE = 99


class Cart(models.Model):
    """
    What somebody wants to buy. A signed-in customer has one cart; anyone else's is found through
    the session.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="cart",
    )
    # Becomes the order's: the same cart sent twice is one order.
    checkout_key = models.UUIDField(_("checkout"), default=uuid.uuid4, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("cart")
        verbose_name_plural = _("carts")

    def __str__(self) -> str:
        return str(self.pk)


class CartLine(models.Model):
    cart = models.ForeignKey(
        Cart, verbose_name=_("cart"), on_delete=models.CASCADE, related_name="lines"
    )
    product = models.ForeignKey(
        Product, verbose_name=_("product"), on_delete=models.CASCADE, related_name="+"
    )
    quantity = models.PositiveSmallIntegerField(
        _("quantity"), default=1, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("line of a cart")
        verbose_name_plural = _("lines of a cart")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "product"], name="shop_demo_cart_line_once"),
            models.CheckConstraint(
                name="shop_demo_cart_line_quantity",
                condition=Q(quantity__gte=1, quantity__lte=MAX_PER_LINE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id}"

    @property
    def total(self) -> Decimal:
        return self.product.price * self.quantity


class Order(models.Model):
    class Status(models.TextChoices):
        PAID = "paid", _("paid")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=20, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("customer"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="orders",
    )
    checkout_key = models.UUIDField(_("checkout"), null=True, blank=True, unique=True)
    placed_at = models.DateTimeField(_("placed"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PAID)
    total = models.DecimalField(_("total"), max_digits=10, decimal_places=2)
    discount = models.DecimalField(
        _("discount"), max_digits=10, decimal_places=2, default=Decimal("0.00")
    )
    coupon_code = models.CharField(_("coupon"), max_length=20, blank=True, default="")
    name = models.CharField(_("name"), max_length=100, blank=True, default="")
    email = models.EmailField(_("e-mail"), blank=True, default="")
    street = models.CharField(_("street and number"), max_length=120, blank=True, default="")
    postcode = models.CharField(_("postcode"), max_length=12, blank=True, default="")
    city = models.CharField(_("city"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "pk"]
        indexes = [
            models.Index(fields=["user", "-placed_at"], name="shop_demo_order_customer"),
            models.Index(fields=["placed_at"], name="shop_demo_order_placed"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("order", kwargs={"pk": self.pk})


class OrderLine(models.Model):
    order = models.ForeignKey(
        Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="lines"
    )
    product = models.ForeignKey(
        Product, verbose_name=_("product"), on_delete=models.PROTECT, related_name="order_lines"
    )
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    total = models.DecimalField(
        _("paid"), max_digits=10, decimal_places=2, help_text=_("For the whole line.")
    )

    class Meta:
        verbose_name = _("line of an order")
        verbose_name_plural = _("lines of an order")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.product_id}"


class OrderDeduction(models.Model):
    """What was taken off an order and why, in the words that the customer saw."""

    order = models.ForeignKey(
        Order, verbose_name=_("order"), on_delete=models.CASCADE, related_name="deductions"
    )
    title = models.CharField(_("what"), max_length=120)
    code = models.CharField(_("code"), max_length=80, blank=True, default="")
    amount = models.DecimalField(_("taken off"), max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = _("deduction")
        verbose_name_plural = _("deductions")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="shop_demo_deduction_not_negative", condition=Q(amount__gte=0)
            )
        ]

    def __str__(self) -> str:
        return self.title
