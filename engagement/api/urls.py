from __future__ import annotations

from django.urls import path

from engagement.api.consent import ConsentView
from engagement.api.events import EventsView
from engagement.api.health import LiveView, ReadyView
from engagement.api.metrics import MetricsView
from engagement.api.recommendations import RecommendationsView
from engagement.api.schema import SchemaView
from engagement.api.shelves import ShelvesView

urlpatterns = [
    path("events/", EventsView.as_view(), name="events"),
    path("consent/", ConsentView.as_view(), name="consent"),
    path("recommendations/<str:placement>/", RecommendationsView.as_view(), name="recommendations"),
    path("shelves/<str:placement>/", ShelvesView.as_view(), name="shelf"),
    path("health/live/", LiveView.as_view(), name="health-live"),
    path("health/ready/", ReadyView.as_view(), name="health-ready"),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    path("schema/", SchemaView.as_view(), name="schema"),
]
