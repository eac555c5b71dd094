"""The contract of everything that scores items for a visitor."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from engagement.learning.interactions import Float32, Histories, Interactions


class Recommender:
    """
    Learns from interactions, scores all items for given histories. Neither filters nor ranks.

    Options are the arguments of ``__init__``, stored unchanged under the same names. What is learnt
    lives in attributes that end in ``_`` and are NumPy arrays or SciPy CSR arrays; together with
    the options they are the whole model, so that a model file is data and nothing else.
    """

    n_items_: NDArray[np.int64]

    def fit(self, interactions: Interactions, *, rng: np.random.Generator | None = None) -> Self:
        """Learn from ``interactions``. The same data and ``rng`` give the same model."""
        raise NotImplementedError

    def score(self, histories: Histories) -> Float32:
        """
        Return scores, shape (number of histories, number of items): higher is better.

        A zero or negative score says «nothing speaks for this item». Items in a history are
        scored as any other: whether to repeat them is not the model's business.
        """
        raise NotImplementedError

    def explain(self, histories: Histories, column: int) -> Float32 | None:
        """
        Return what each event of the *single* history adds to the score of ``column``.

        The contributions sum to the score. Models that are not additive return None.
        """
        return None

    def explain_each(self, histories: Histories, columns: Sequence[int]) -> list[Float32 | None]:
        """Return :meth:`explain` of several columns; a model may do it faster than one by one."""
        return [self.explain(histories, column) for column in columns]

    # -- storage ----------------------------------------------------------------------------
    def get_options(self) -> dict[str, Any]:
        names = list(inspect.signature(type(self)).parameters)
        return {name: getattr(self, name) for name in names}

    def get_arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything learnt as plain arrays; a sparse matrix becomes four of them."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, value in vars(self).items():
            if not name.endswith("_") or name.startswith("_"):
                continue
            if issparse(value):
                matrix = csr_array(value)
                arrays[f"{name}.data"] = matrix.data
                arrays[f"{name}.indices"] = matrix.indices
                arrays[f"{name}.indptr"] = matrix.indptr
                arrays[f"{name}.shape"] = np.asarray(matrix.shape, dtype=np.int64)
            else:
                arrays[name] = np.asarray(value)
        return arrays

    def set_arrays(self, arrays: dict[str, NDArray[Any]]) -> Self:
        """The inverse of :meth:`get_arrays`; the arrays are used as they are (memory maps stay)."""
        for name, value in arrays.items():
            stem, _, part = name.rpartition(".")
            if not stem:
                setattr(self, name, value)
            elif part == "data":
                shape = tuple(int(n) for n in arrays[f"{stem}.shape"])
                matrix = csr_array(shape, dtype=value.dtype)
                matrix.data = value
                matrix.indices = arrays[f"{stem}.indices"]
                matrix.indptr = arrays[f"{stem}.indptr"]
                setattr(self, stem, matrix)
        return self

    @property
    def n_items(self) -> int:
        return int(self.n_items_)
