"""Policies and their judgement, beside the peers: MABWiser, Vowpal Wabbit, Open Bandit Pipeline."""
