"""What a model has learnt, as plain arrays: a model file is data and nothing else."""

from __future__ import annotations

import inspect
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse


class Storable:
    """
    Options are the arguments of ``__init__``, stored unchanged under the same names. What is learnt
    lives in attributes that end in ``_`` and are NumPy arrays or SciPy CSR arrays; together with
    the options they are the whole model.
    """

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


def pack(strings: list[str]) -> NDArray[np.uint8]:
    """Return the strings, none of which holds a line break, as one array of bytes."""
    return np.frombuffer("\n".join(strings).encode(), dtype=np.uint8).copy()


def unpack(array: NDArray[np.uint8]) -> list[str]:
    text = np.asarray(array).tobytes().decode()
    return text.split("\n") if text else []
