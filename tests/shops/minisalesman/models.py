"""Books, phones that come in colours, and a basket of the shop's own."""

from django.db import models
from salesman.basket.models import BaseBasket, BaseBasketItem


class Book(models.Model):
    title = models.CharField(max_length=80)
    price = models.DecimalField(max_digits=8, decimal_places=2, default=10)
    shelf = models.CharField(max_length=40, blank=True)
    is_sold_out = models.BooleanField(default=False)

    def __str__(self):
        return self.title

    @property
    def name(self):
        return self.title

    @property
    def code(self):
        return f"B{self.pk}"

    def get_price(self, request):
        # Members pay less.
        return self.price - 1 if request.user.is_authenticated else self.price


class Phone(models.Model):
    name = models.CharField(max_length=80)

    def __str__(self):
        return self.name


class PhoneVariant(models.Model):
    phone = models.ForeignKey(Phone, related_name="variants", on_delete=models.CASCADE)
    colour = models.CharField(max_length=20)
    stock = models.PositiveIntegerField(default=5)

    def __str__(self):
        return self.name

    @property
    def name(self):
        return f"{self.phone}, {self.colour}"

    @property
    def code(self):
        return f"P{self.pk}"

    def get_price(self, request):
        return 100


class Basket(BaseBasket):
    note = models.CharField(max_length=80, blank=True)


class BasketItem(BaseBasketItem):
    is_gift = models.BooleanField(default=False)
