from django.apps import AppConfig


class OthershopConfig(AppConfig):
    name = "tests.othershop"
    label = "othershop"
    default_auto_field = "django.db.models.BigAutoField"
