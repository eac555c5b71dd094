"""Experiments: who gets which variant, what came of it, and who is left alone to compare with."""
