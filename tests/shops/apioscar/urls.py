from django.urls import include, path

from tests.shops.minioscar import urls

urlpatterns = [path("api/", include("oscarapi.urls")), *urls.urlpatterns]
