from django.apps import AppConfig


class MinisalesmanConfig(AppConfig):
    name = "tests.shops.minisalesman"
    label = "minisalesman"
    default_auto_field = "django.db.models.BigAutoField"
