"""The bookshop's pages, as a shop would write them; ``pytest.mark.urls("tests.web.pages")``."""

from django.contrib import admin
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

from tests.othershop.models import Book

HOME = """{% load engagement %}
{% recommendation_shelf "home.for_you" %}
{% recommendation_shelf "home.trending" n=4 %}
{% recommendation_shelf "home.recently_viewed" title="Seen before" %}
"""
BOOK = """{% load engagement %}<h1>{{ book }}</h1>
{% recommendation_shelf "product.similar" item=book %}
{% recommendation_shelf "product.bought_together" item=book %}
{% recommendation_shelf "product.recently_viewed" %}
"""
PLAIN = "<h1>{{ book }}</h1>"
LAZY = (
    """{% load engagement %}{% recommendation_shelf "home.for_you" n=3 title="Yours" lazy=True %}"""
)


def render(request, template, **context):
    return HttpResponse(engines["django"].from_string(template).render(context, request))


def home(request):
    return render(request, HOME)


def book(request, slug):
    return render(request, BOOK, book=Book.objects.get(slug=slug))


def plain(request, slug):
    return render(request, PLAIN, book=Book.objects.get(slug=slug))


def lazy(request):
    return render(request, LAZY)


urlpatterns = [
    path("", home),
    path("books/<slug:slug>/", book),
    path("plain/<slug:slug>/", plain),
    path("lazy/", lazy),
    path("admin/", admin.site.urls),
    path("engagement/", include("engagement.urls")),
]
