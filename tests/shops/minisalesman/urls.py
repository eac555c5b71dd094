from django.apps import apps
from django.urls import include, path

urlpatterns = [path("shop/", include("salesman.urls"))]
if apps.is_installed("engagement"):
    urlpatterns = [path("engagement/", include("engagement.urls")), *urlpatterns]
