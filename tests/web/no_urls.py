"""A shop that has not mounted the app's addresses yet."""

urlpatterns: list = []
