from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("engagement/", include("engagement.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
