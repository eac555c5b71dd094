"""Texts that say the same in almost the same words: MinHash signatures and who shares one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engagement.learning.sentiment.cleaning import normalise, squeezed, words

if TYPE_CHECKING:
    from datasketch import MinHash

N_PERMUTATIONS = 64
SEED = 1
# Named, so that a newer library goes on reading signatures that were stored by an older one.
SCHEME: Literal["affine32"] = "affine32"
MIN_WORDS = 5  # «Very good» is said by many people in good faith.

Signatures = NDArray[np.uint32]


class Pair(NamedTuple):
    """Positions of two alike texts, ``first < second``, and their estimated Jaccard similarity."""

    first: int
    second: int
    similarity: float


def signatures(texts: Sequence[str]) -> Signatures:
    """
    Return MinHash signatures, shape (number of texts, 64): equal shares say how alike texts are.

    Shingles are three words, or three signs of Chinese (Broder 1997). Texts of fewer than five
    words get a row of zeros, which is like nothing.
    """
    from datasketch import MinHash

    rows = np.zeros((len(texts), N_PERMUTATIONS), dtype=np.uint32)
    for row, text in enumerate(texts):
        shingles = _shingles(text)
        if shingles:
            sketch = MinHash(num_perm=N_PERMUTATIONS, seed=SEED, scheme=SCHEME)
            sketch.update_batch(shingles)
            rows[row] = sketch.hashvalues.astype(np.uint32)
    return rows


def _shingles(text: str) -> list[bytes]:
    found = words(squeezed(normalise(text)))
    if len(found) < MIN_WORDS:
        return []
    return [
        " ".join(three).encode()
        for three in sorted(set(zip(found, found[1:], found[2:], strict=False)))
    ]


def _sketch(row: Signatures) -> MinHash:
    from datasketch import MinHash

    return MinHash(num_perm=N_PERMUTATIONS, seed=SEED, hashvalues=row, scheme=SCHEME)


def similarity(one: ArrayLike, other: ArrayLike) -> float:
    """Return the estimated Jaccard similarity of two signatures."""
    first, second = np.asarray(one), np.asarray(other)
    if not first.any() or not second.any():
        return 0.0
    return float((first == second).mean())


def near_duplicates(signatures: ArrayLike, threshold: float = 0.7) -> list[Pair]:
    """
    Return the pairs that are at least ``threshold`` alike, in order of their second position.

    Found through locality-sensitive hashing, so time grows with texts and pairs, not with all
    possible pairs; of many texts alike, each is paired with those before it.
    """
    from datasketch import MinHashLSH

    rows = np.asarray(signatures)
    index = MinHashLSH(threshold=max(threshold - 0.1, 0.1), num_perm=N_PERMUTATIONS)
    pairs = []
    for position, row in enumerate(rows):
        if not row.any():
            continue
        sketch = _sketch(row)
        for earlier in sorted(index.query(sketch)):
            alike = similarity(rows[earlier], row)
            if alike >= threshold:
                pairs.append(Pair(int(earlier), position, alike))
        index.insert(position, sketch, check_duplication=False)
    return pairs
