"""``path("engagement/", include("engagement.urls"))`` mounts the app in a shop."""

from __future__ import annotations

from django.urls import include, path

app_name = "engagement"
urlpatterns = [path("", include("engagement.api.urls"))]
