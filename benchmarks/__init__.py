"""What ``make bench`` measures."""

import os


def set_up() -> None:
    """Make the app's settings known: reading logs asks them what an event weighs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_demo.settings")
    import django

    django.setup()
