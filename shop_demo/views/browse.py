"""Looking around: home, categories, search, products."""

from __future__ import annotations

import uuid

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from shop_demo import listing, signals
from shop_demo.models import Category, Product
from shop_demo.search import find

# What lies on the table of the first page.
STILL_LIFE = (
    "leafy-green",
    "watermelon",
    "baguette-bread",
    "cheese-wedge",
    "tomato",
    "glass-of-milk",
    "avocado",
    "lemon",
    "strawberry",
)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "shop_demo/home.html", {"still_life": STILL_LIFE})


@require_safe
def category(request: HttpRequest, slug: str) -> HttpResponse:
    shown = get_object_or_404(Category.objects.select_related("parent"), slug=slug)
    department = shown.parent or shown
    within = {"category": shown} if shown.parent else {"category__parent": shown}
    return render(
        request,
        "shop_demo/category.html",
        {
            "category": shown,
            "department": department,
            "siblings": department.children.all(),
            "listing": listing.make(Product.objects.shown().filter(**within), request.GET),
        },
    )


@require_safe
def offers(request: HttpRequest) -> HttpResponse:
    reduced = Product.objects.on_sale().filter(price__lt=F("regular_price"))
    return render(request, "shop_demo/offers.html", {"listing": listing.make(reduced, request.GET)})


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "shop_demo/privacy.html")


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    query = " ".join(request.GET.get("q", "").split())[:100]
    found = listing.make(find(query), request.GET, keep_order=True)
    n_found = found.page.paginator.count
    if query and found.page.number == 1:
        signals.searched.send(Product, request=request, query=query, n_found=n_found)
    return render(
        request, "shop_demo/search.html", {"query": query, "listing": found, "n_found": n_found}
    )


@require_safe
def product(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    shown = get_object_or_404(Product.objects.shown().select_related("category__parent"), pk=pk)
    response = render(
        request,
        "shop_demo/product.html",
        {"product": shown, "others": _others(shown), "category": shown.category},
    )
    # After the page is made: its "recently viewed" shows what was seen before it.
    signals.product_viewed.send(Product, request=request, product=shown)
    return response


def _others(product: Product) -> list[Product]:
    """Return the same article in other varieties."""
    rows = Product.objects.on_sale().filter(group_key=product.group_key).exclude(pk=product.pk)
    return list(rows[:8])
