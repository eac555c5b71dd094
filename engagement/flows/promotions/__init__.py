"""Offers: what may be offered to whom, at what cost, and how they are used."""
