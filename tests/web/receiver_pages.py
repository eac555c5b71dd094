"""A shop that announces its orders with ``send``, as most do: what a receiver raises reaches it."""

from django.dispatch import Signal
from django.http import HttpResponse
from django.urls import include, path
from django.utils import timezone

from tests.othershop.catalogue import make_sale
from tests.othershop.models import Book

# kwargs: order, request
placed = Signal()


def buy(request, slug):
    user = request.user if request.user.is_authenticated else None
    sale = make_sale(user, [Book.objects.get(slug=slug)], at=timezone.now())
    placed.send(sender=None, order=sale, request=request)
    return HttpResponse(sale.number)


urlpatterns = [
    path("buy/<slug>/", buy),
    path("engagement/", include("engagement.urls")),
]
