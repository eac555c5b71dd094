"""Pages with shelves on them, under the strictest content policy that a shop may have."""

from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path

POLICY = (
    "default-src 'none'; img-src data:; script-src 'nonce-n1'; style-src 'self';"
    " connect-src 'self'; require-trusted-types-for 'script'"
)
START = """<!doctype html><html lang="en"><title>Books</title><link rel="icon" href="data:,">
{% load static engagement %}<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="{% static 'engagement/engagement.css' %}"><body>"""
LAZY = (
    START
    + """{% recommendation_shelf "home.trending" lazy=True %}
<p>{% for _ in filler %}far<br>{% endfor %}</p>
{% recommendation_shelf "home.new_arrivals" lazy=True title="Far away" %}"""
)
PLAIN = START + """{% recommendation_shelf "home.trending" %}"""


def page(template):
    def view(request):
        context = RequestContext(request, {"csp_nonce": "n1", "filler": range(200)})
        html = Template(template).render(context)
        return HttpResponse(html, headers={"Content-Security-Policy": POLICY})

    return view


urlpatterns = [
    path("lazy/", page(LAZY)),
    path("plain/", page(PLAIN)),
    path("engagement/", include("engagement.urls")),
]
