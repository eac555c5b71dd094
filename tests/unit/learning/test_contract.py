"""Every complementary model keeps the contract of recommenders."""

from __future__ import annotations

import importlib.util

import pytest

from engagement.learning.recommenders import (
    BPR,
    IALS,
    AsymmetricKNN,
    Blend,
    BoughtTogether,
    Ensemble,
    GraphFilter,
    HybridFactors,
    NextItem,
    PopularInRegion,
    RP3Beta,
    SASRec,
    SequenceRules,
    SequenceWalk,
    SessionKNN,
    UserKNN,
)
from engagement.testing.recommenders import RecommenderTests

HERE = "engagement.learning.recommenders"
needs_implicit = pytest.mark.skipif(
    importlib.util.find_spec("implicit") is None, reason="implicit is not installed"
)


needs_lightfm = pytest.mark.skipif(
    importlib.util.find_spec("lightfm") is None, reason="lightfm is not installed"
)
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


class TestSequenceRules(RecommenderTests):
    """Finds no neighbour on the board: what comes first in every row never follows anything."""

    recommender = SequenceRules
    finds_neighbours = False


class TestSequenceWalk(RecommenderTests):
    recommender = SequenceWalk


class TestNextItem(RecommenderTests):
    recommender = NextItem
    options = {"regularization": 30.0, "history_decay": 0.95}
    finds_neighbours = False


class TestSessionKNN(RecommenderTests):
    recommender = SessionKNN
    is_additive = False


class TestBoughtTogether(RecommenderTests):
    """On the board every row goes from left to right: the order would leave no way back."""

    recommender = BoughtTogether
    options = {"directed": False}


class TestUserKNN(RecommenderTests):
    recommender = UserKNN
    is_additive = False


class TestAsymmetricKNN(RecommenderTests):
    recommender = AsymmetricKNN
    options = {"alpha": 0.3, "half_life_days": 5}


class TestRP3Beta(RecommenderTests):
    recommender = RP3Beta


class TestGraphFilter(RecommenderTests):
    recommender = GraphFilter
    options = {"n_factors": 2}
    is_additive = False


class TestPopularInRegion(RecommenderTests):
    recommender = PopularInRegion
    options = {"n_regions": 2}


@needs_implicit
class TestIALS(RecommenderTests):
    recommender = IALS
    options = {"n_factors": 4}
    is_additive = False


@needs_implicit
class TestBPR(RecommenderTests):
    recommender = BPR
    options = {"n_factors": 8, "n_iterations": 500}
    is_additive = False


@needs_lightfm
class TestHybridFactors(RecommenderTests):
    recommender = HybridFactors
    options = {"n_factors": 8}
    is_additive = False


@needs_torch
class TestSASRec(RecommenderTests):
    recommender = SASRec
    options = {
        "n_factors": 8,
        "length": 8,
        "dropout": 0.1,
        "n_samples": 16,
        "batch_size": 8,
        "learning_rate": 0.01,
    }
    is_additive = False


class TestBlend(RecommenderTests):
    recommender = Blend
    options = {
        "members": {
            "linear": {"BACKEND": f"{HERE}.linear.EASE", "OPTIONS": {"regularization": 5.0}},
            "alike": {"BACKEND": f"{HERE}.userknn.UserKNN"},
        },
        "horizon_days": 3,
        "step_days": 1,
        "min_answers": 100_000,
    }
    is_additive = False


class TestEnsemble(RecommenderTests):
    recommender = Ensemble
    options = {
        "members": {
            "walk": {"BACKEND": f"{HERE}.graph.RP3Beta"},
            "filter": {"BACKEND": f"{HERE}.graph.GraphFilter", "OPTIONS": {"n_factors": 2}},
        },
        "weights": {"walk": 2.0},
    }
    is_additive = False
