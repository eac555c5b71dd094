from django.apps import AppConfig, apps


class MiniflexConfig(AppConfig):
    name = "tests.shops.miniflex"
    label = "miniflex"

    def ready(self):
        if apps.is_installed("engagement"):
            from tests.shops.miniflex import receivers  # noqa: F401  listens
