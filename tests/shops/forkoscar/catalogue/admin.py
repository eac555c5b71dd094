"""As a fork that Oscar makes has it."""

from oscar.apps.catalogue.admin import *  # noqa: F403
