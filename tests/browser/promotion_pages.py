"""Pages with an offer on them, at once and lazily, under a strict content policy."""

from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

from tests.browser.tracker_pages import POLICY

HEAD = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Books</title><link rel="icon" href="data:,">
{% load static engagement engagement_promotions %}
<link rel="stylesheet" href="{% static 'engagement/engagement.css' %}"><body>"""
CARD = HEAD + '{% promotion_card "cart.offer" %}{% engagement_tracker %}</body></html>'
LAZY = HEAD + '{% promotion_card "cart.offer" lazy=True %}{% engagement_tracker %}</body></html>'


def page(template):
    def view(request):
        html = engines["django"].from_string(template).render({"csp_nonce": "n1"}, request)
        policy = f"{POLICY}; style-src 'self'"
        return HttpResponse(html, headers={"Content-Security-Policy": policy})

    return view


urlpatterns = [
    path("", page(CARD)),
    path("lazy/", page(LAZY)),
    path("sale/", page("<h1>Sale</h1>")),
    path("engagement/", include("engagement.urls")),
]
