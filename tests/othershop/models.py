"""A bookshop: the second host, with other names, slugs as keys and genres instead of categories."""

import uuid
from decimal import Decimal

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Genre(models.Model):
    label = models.CharField(max_length=40)

    def __str__(self):
        return self.label


class Book(models.Model):
    slug = models.SlugField(primary_key=True, max_length=80)
    name = models.CharField(max_length=120)
    blurb = models.TextField(blank=True)
    genre = models.ForeignKey(Genre, null=True, on_delete=models.SET_NULL)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=10)
    published = models.BooleanField(default=True)
    sold_out = models.BooleanField(default=False)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return f"/books/{self.slug}/"


class Sale(models.Model):
    number = models.CharField(max_length=20, unique=True)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    sold_at = models.DateTimeField()

    def __str__(self):
        return self.number


class SaleLine(models.Model):
    sale = models.ForeignKey(Sale, related_name="lines", on_delete=models.CASCADE)
    book = models.ForeignKey(Book, on_delete=models.PROTECT)
    copies = models.PositiveIntegerField(default=1)
    paid = models.DecimalField(max_digits=8, decimal_places=2, default=10)

    def __str__(self):
        return f"{self.copies} × {self.book_id}"


class Opinion(models.Model):
    """What readers think, in the shop's own words: for tests of a shop that keeps its reviews."""

    book = models.ForeignKey(Book, on_delete=models.CASCADE)
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    stars = models.PositiveSmallIntegerField(default=3)
    headline = models.CharField(max_length=80, blank=True)
    words = models.TextField()
    state = models.CharField(max_length=4, default="new")
    answer = models.TextField(blank=True)
    written = models.DateTimeField()
    n_saved = models.PositiveIntegerField(default=0)

    def __str__(self):
        return self.headline

    def save(self, *args, **kwargs):
        # Shops hang more on this than a row: an index, an average, a mail.
        self.n_saved += 1
        super().save(*args, **kwargs)


# -- what makes a shop less simple: for tests that name these models in their settings ----------
class Edition(models.Model):
    """A variant of a book in a model of its own; shelves show the book."""

    book = models.ForeignKey(Book, related_name="editions", on_delete=models.CASCADE)
    isbn = models.CharField(max_length=20, unique=True)

    def __str__(self):
        return self.isbn


class Print(models.Model):
    """A second kind of product: UUID keys, sizes as rows of the same model, a stock to be asked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    motif = models.CharField(max_length=80)
    size_of = models.ForeignKey("self", null=True, related_name="sizes", on_delete=models.CASCADE)
    pence = models.PositiveIntegerField(default=500)
    in_stock = models.PositiveIntegerField(default=5)
    facts = models.JSONField(default=dict)
    genre = models.ForeignKey(Genre, null=True, on_delete=models.SET_NULL)
    changed_at = models.DateTimeField(null=True)

    def __str__(self):
        return self.motif

    def price(self):
        return Decimal(self.pence) / 100

    def can_be_bought(self):
        return self.in_stock > 0


class Member(models.Model):
    """A customer who is no user of Django's."""

    number = models.CharField(max_length=20, unique=True)

    def __str__(self):
        return self.number


class Receipt(models.Model):
    """An order of members and of guests, whose lines are of any model."""

    member = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL)
    email = models.EmailField(blank=True)
    state = models.CharField(max_length=10, default="paid")
    made_at = models.DateTimeField()

    def __str__(self):
        return f"Receipt {self.pk}"


class Position(models.Model):
    receipt = models.ForeignKey(Receipt, on_delete=models.CASCADE)
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE)
    object_id = models.CharField(max_length=80)
    thing = GenericForeignKey()
    amount = models.PositiveIntegerField(default=1)
    pence = models.PositiveIntegerField(default=500)

    def __str__(self):
        return f"{self.amount} × {self.object_id}"

    def total(self):
        return Decimal(self.pence) / 100 * self.amount
