"""Recommendations, reviews, promotions and predictions inside a Django shop."""

__version__ = "0.1.0"
