from django.apps import apps
from django.urls import include, path

urlpatterns = [path("api/", include("flexcommerce_core.urls"))]
if apps.is_installed("engagement"):
    urlpatterns = [path("engagement/", include("engagement.urls")), *urlpatterns]
