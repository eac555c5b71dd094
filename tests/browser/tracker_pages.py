"""Pages with the tracker on them, under the strictest content policy that a shop may have."""

from django.http import HttpResponse
from django.template import RequestContext, Template
from django.urls import include, path
from django.utils import timezone

from engagement.flows.collecting import tokens
from engagement.flows.collecting.identity import person_from_request

POLICY = (
    "default-src 'none'; img-src data:; script-src 'nonce-n1'; connect-src 'self';"
    " form-action 'self'; require-trusted-types-for 'script'"
)
PAGE = """<!doctype html><html lang="en"><title>Books</title><link rel="icon" href="data:,">
<body>{% load engagement %}{% engagement_consent %}
<section data-engagement-shelf data-placement="home.for_you" data-recommendation-id="{{ token }}">
  <ul>
    <li data-engagement-item="dune" data-rank="1"><a href="/books/dune/">Dune</a></li>
    <li data-engagement-item="emma" data-rank="2"><a href="/books/emma/"><b>Emma</b></a></li>
  </ul>
  <p>{% for _ in filler %}far<br>{% endfor %}</p>
  <ul><li data-engagement-item="ulysses" data-rank="3"><a href="/books/ulysses/">Far</a></li></ul>
</section>
{% if item %}{% engagement_tracker item=item %}{% else %}{% engagement_tracker %}{% endif %}
</body></html>"""


def page(request, item=None):
    token = tokens.issue(
        placement="home.for_you",
        artifact_id=None,
        person=person_from_request(request),
        at=timezone.now(),
    )
    context = {"token": token, "csp_nonce": "n1", "filler": range(200), "item": item}
    html = Template(PAGE).render(RequestContext(request, context))
    return HttpResponse(html, headers={"Content-Security-Policy": POLICY})


urlpatterns = [
    path("", page),
    path("books/<str:item>/", page),
    path("engagement/", include("engagement.urls")),
]
