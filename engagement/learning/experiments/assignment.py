"""Who is in which variant: decided by a hash, remembered nowhere, the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

SPAN = 2**64


def position(key: str, salt: str) -> float:
    """
    Return where ``key`` falls in [0, 1) under ``salt``, evenly and independently of other salts.

    The same key and salt give the same position on every machine, for ever.
    """
    digest = blake2b(key.encode(), digest_size=8, salt=_salt(salt)).digest()
    return int.from_bytes(digest, "big") / SPAN


def positions(keys: Iterable[str], salt: str) -> NDArray[np.float64]:
    return np.fromiter((position(key, salt) for key in keys), dtype=np.float64)


def assign(key: str, salt: str, weights: Sequence[float], *, share: float = 1.0) -> int | None:
    """
    Return the variant of ``key``, or None for those outside the ``share`` that takes part.

    Raising ``share`` lets visitors in and moves nobody from one variant to another: who takes
    part and which variant it is are drawn from two positions. Raises `ValueError` for weights that
    are none.
    """
    total = float(sum(weights))
    if not weights or min(weights) < 0 or total <= 0:
        raise ValueError(f"weights: {list(weights)} share out nothing")
    if position(key, f"{salt}/share") >= share:
        return None
    mark = position(key, salt) * total
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    return min(int(np.searchsorted(bounds, mark, side="right")), len(weights) - 1)


def _salt(text: str) -> bytes:
    # BLAKE2 takes 16 bytes of salt; longer names are folded into it.
    return blake2b(text.encode(), digest_size=16).digest()
