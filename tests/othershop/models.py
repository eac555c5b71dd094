"""A bookshop: the second host, with other names, slugs as keys and genres instead of categories."""

from django.conf import settings
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
