"""A page of the bookshop with everything about reviews; ``pytest.mark.urls``."""

from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

from tests.othershop.models import Book

BOOK = """{% load engagement_reviews %}<h1>{{ book }}</h1>
{% review_stars book %}{% customer_reviews book %}"""
PLAIN = "<h1>{{ book }}</h1>"
SHELF = """{% load engagement_reviews %}{% prepare_review_stars books %}
{% for one in books %}<p>{{ one }} {% review_stars one %}</p>{% endfor %}"""
FIGURES = "{% load engagement_reviews %}{% review_transparency %}"


def render(request, template, **context):
    return HttpResponse(engines["django"].from_string(template).render(context, request))


def book(request, slug):
    return render(request, BOOK, book=Book.objects.get(slug=slug))


def plain(request, slug):
    return render(request, PLAIN, book=Book.objects.get(slug=slug))


def shelf(request):
    return render(request, SHELF, books=Book.objects.order_by("slug"))


def figures(request):
    return render(request, FIGURES)


urlpatterns = [
    path("books/<slug:slug>/", book),
    path("plain/<slug:slug>/", plain),
    path("shelf/", shelf),
    path("figures/", figures),
    path("engagement/", include("engagement.urls")),
]
