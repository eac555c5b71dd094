from django.db import models
from oscar.apps.catalogue.abstract_models import AbstractProduct


class Product(AbstractProduct):
    is_handmade = models.BooleanField(default=False)


from oscar.apps.catalogue.models import *  # noqa: E402, F403
