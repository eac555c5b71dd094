"""The contract of everything that chooses between arms and learns from what came of it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Mask = NDArray[np.bool_]
State = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Explanation:
    """
    What a policy expects of each arm in one context, and the parts that this adds up from.

    ``constant`` (arms): what holds of the arm in every context; ``parts`` (arms × features): what
    each feature adds or takes away, 0 where the policy looks at no context. Their sum is
    ``expected`` where ``scale`` is ``reward``. Where it is ``log-odds`` their sum is that of a
    reward, and ``expected`` the chance, times ``amounts`` where there are any.
    """

    expected: Float64
    constant: Float64
    parts: Float64
    scale: str = "reward"
    amounts: Float64 | None = None


class Policy:
    """
    Tells how likely each arm is to be shown, and learns from rewards.

    The caller draws the arm and writes down its probability, so that every policy can be judged
    later from its own log, and every decision can be replayed: the same state and context always
    give the same probabilities. Options are the arguments of ``__init__``, stored unchanged; what
    is learnt lives in a ``State`` of plain arrays that the caller keeps. No method changes the
    state it is given. ``is_contextual``: looks at the context; ``takes_money``: learns from any
    finite reward, below 0 as well, and not from chances between 0 and 1 only.

    ``floor`` is the share of decisions made at random among the allowed arms. It is added to what
    the policy wants, not clipped from below, so that the probabilities stay exact.
    """

    is_contextual: ClassVar[bool] = False
    takes_money: ClassVar[bool] = True
    floor: float

    def start(self, n_arms: int, n_features: int = 0) -> State:
        """Return the state of a policy that has seen nothing."""
        raise NotImplementedError

    def wanted(self, state: State, contexts: Float64, allowed: Mask) -> Float64:
        """Return the probabilities before the floor, shape (contexts, arms); rows sum to 1."""
        raise NotImplementedError

    def update(
        self, state: State, contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike
    ) -> State:
        """
        Return the state after decisions in the order they were made.

        ``contexts``: decisions × features, ``arms``: the arm shown in each, ``rewards``: what came
        of it. Many decisions at once teach the same as one at a time, so that a log replayed in
        its order gives the same state, however it was cut into batches. Raises `ValueError`.
        """
        raise NotImplementedError

    def explain(self, state: State, context: ArrayLike) -> Explanation:
        """Return what is expected of each arm in ``context`` (features), and why."""
        raise NotImplementedError

    def probabilities(
        self, state: State, contexts: ArrayLike, *, allowed: ArrayLike | None = None
    ) -> Float64:
        """
        Return how likely each arm is, shape (contexts, arms); each row sums to 1.

        ``allowed``: which arms may be shown, shape (arms,) or (contexts, arms); the others get 0.
        Raises `ValueError` where none may.
        """
        rows = np.atleast_2d(np.asarray(contexts, dtype=np.float64))
        if not np.isfinite(rows).all():
            raise ValueError("contexts: not all are finite numbers")
        n_arms = self.n_arms(state)
        mask = np.ones(n_arms, dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
        mask = np.broadcast_to(mask, (len(rows), n_arms))
        open_arms = mask.sum(axis=1, keepdims=True)
        if not open_arms.all():
            raise ValueError("allowed: no arm is left for a context")
        wanted = np.where(mask, self.wanted(state, rows, mask), 0.0)
        mixed = (1 - self.floor) * wanted + self.floor * mask / open_arms
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))

    def n_arms(self, state: State) -> int:
        return len(state["pulls"])

    def widen(self, state: State, n_arms: int, n_features: int = 0) -> State:
        """Return the state with new arms at the end, of which nothing is known yet."""
        fresh = self.start(n_arms, n_features)
        old = self.n_arms(state)
        widened = {}
        for name, start in fresh.items():
            widened[name] = state[name].copy()
            if start.ndim and len(start) == n_arms and len(state[name]) == old:
                widened[name] = np.concatenate([state[name], start[old:]])
        return widened

    def get_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}


def check_share(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must lie between 0 and 1, not {share!r}")


def check_discount(discount: float) -> None:
    if not 0 < discount <= 1:
        raise ValueError(f"discount must lie above 0 and not above 1, not {discount!r}")


def of_one_length(
    contexts: ArrayLike, arms: ArrayLike, rewards: ArrayLike, n_arms: int
) -> tuple[Float64, Int64, Float64]:
    """Return the decisions as arrays; raise `ValueError` where they do not fit together."""
    numbers = np.atleast_1d(np.asarray(arms, dtype=np.int64))
    gained = np.atleast_1d(np.asarray(rewards, dtype=np.float64))
    rows = np.asarray(contexts, dtype=np.float64)
    rows = rows.reshape(len(numbers), -1) if len(numbers) else np.zeros((0, rows.shape[-1]))
    if len(gained) != len(numbers):
        raise ValueError(f"arms and rewards differ in length: {len(numbers)} and {len(gained)}")
    for number in numbers[(numbers < 0) | (numbers >= n_arms)]:
        raise ValueError(f"arms: {number} is none of the {n_arms}")
    if not np.isfinite(gained).all():
        raise ValueError("rewards: not all are finite numbers")
    if not np.isfinite(rows).all():
        raise ValueError("contexts: not all are finite numbers")
    return rows, numbers, gained


def best_of(scores: Float64, allowed: Mask) -> Float64:
    """Return 1 for the highest allowed score of each row; ties share it."""
    open_scores = np.where(allowed, scores, -np.inf)
    top = open_scores >= open_scores.max(axis=1, keepdims=True) - 1e-12
    return np.asarray(top / top.sum(axis=1, keepdims=True))


def discounted_sums(values: Float64, discount: float) -> Float64:
    """Return the sum of ``values`` along the first axis, the last counting 1, earlier ones less."""
    ages = np.arange(len(values))[::-1]
    weights = np.power(discount, ages).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((weights * values).sum(axis=0))


def explained_by_means(context: ArrayLike, means: Float64) -> Explanation:
    """Return the explanation of a policy that knows one mean an arm."""
    n_features = np.asarray(context, dtype=np.float64).size
    return Explanation(means, means, np.zeros((len(means), n_features)))
