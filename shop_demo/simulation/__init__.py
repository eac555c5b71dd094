"""Visitors who do not exist: they look around, are made offers and buy, so that there is a log."""
