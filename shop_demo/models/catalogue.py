from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _


def in_chinese() -> bool:
    """Return whether the page being made is a Chinese one."""
    return (get_language() or "").startswith("zh")


class Category(models.Model):
    """A department (no parent) or one of the categories in it. The tree has these two levels."""

    slug = models.SlugField(_("address"), max_length=60, unique=True)
    parent = models.ForeignKey(
        "self",
        verbose_name=_("department"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="children",
    )
    name = models.CharField(_("name"), max_length=60)
    name_zh = models.CharField(_("Chinese name"), max_length=60, blank=True, default="")
    picture = models.CharField(_("picture"), max_length=40, default="basket")
    tint = models.CharField(_("colour"), max_length=20, default="sand")
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("category", kwargs={"slug": self.slug})

    @property
    def title(self) -> str:
        return (in_chinese() and self.name_zh) or self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def shown(self) -> ProductQuerySet:
        return self.filter(is_active=True)

    def on_sale(self) -> ProductQuerySet:
        """Return what may be shown and bought right now."""
        return self.filter(is_active=True, stock__gt=0)


class Product(models.Model):
    """
    Something the shop sells. The key is a UUID made from the number in the source data, so that
    seeding again gives every product the key it had.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    sku = models.CharField(_("article number"), max_length=20, unique=True)
    category = models.ForeignKey(
        Category, verbose_name=_("category"), on_delete=models.PROTECT, related_name="products"
    )
    name = models.CharField(_("name"), max_length=120)
    name_zh = models.CharField(_("Chinese name"), max_length=120, blank=True, default="")
    brand = models.CharField(_("brand"), max_length=60, blank=True, default="")
    is_own_brand = models.BooleanField(_("the shop's own brand"), default=False)
    size = models.CharField(_("size"), max_length=40, blank=True, default="")
    group_key = models.CharField(
        _("group"), max_length=64, help_text=_("The varieties of one article share it.")
    )
    picture = models.CharField(_("picture"), max_length=40, default="basket")
    price = models.DecimalField(_("price"), max_digits=8, decimal_places=2)
    regular_price = models.DecimalField(_("regular price"), max_digits=8, decimal_places=2)
    stock = models.PositiveIntegerField(_("in stock"), default=0)
    is_active = models.BooleanField(_("shown in the shop"), default=True)
    n_sold = models.PositiveIntegerField(_("sold"), default=0)
    added_at = models.DateTimeField(_("in the shop since"))
    # What the search looks through: names, brand and category in both languages, lower case.
    search_text = models.TextField(pgettext_lazy("search", "words"), editable=False, default="")

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ["-n_sold", "pk"]
        indexes = [
            models.Index(fields=["category", "-n_sold"], name="shop_demo_product_shelf"),
            models.Index(fields=["-added_at"], name="shop_demo_product_newest"),
            models.Index(fields=["-n_sold"], name="shop_demo_product_popular"),
        ]
        constraints = [
            models.CheckConstraint(
                name="shop_demo_product_price_above_zero", condition=Q(price__gt=0)
            ),
            models.CheckConstraint(
                name="shop_demo_product_price_not_above_regular",
                condition=Q(price__lte=F("regular_price")),
            ),
        ]

    def __str__(self) -> str:
        return self.full_name

    def get_absolute_url(self) -> str:
        return reverse("product", kwargs={"pk": self.pk})

    @property
    def title(self) -> str:
        return (in_chinese() and self.name_zh) or self.name

    @property
    def full_name(self) -> str:
        """Return name, size and brand, as in “White Milk, 1 gal — Fennel”."""
        name = f"{self.title}, {self.size}" if self.size else self.title
        return f"{name} — {self.brand}" if self.brand else name

    @property
    def is_reduced(self) -> bool:
        return self.price < self.regular_price

    @property
    def saving(self) -> Decimal:
        return self.regular_price - self.price

    @property
    def is_available(self) -> bool:
        return self.is_active and self.stock > 0
