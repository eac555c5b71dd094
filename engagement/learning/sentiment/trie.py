"""Grams of many texts found at once: a walk down a tree, all texts in step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]
#: One gram: the number of its root, its tokens, its column.
Gram = tuple[int, Sequence[str], int]
ABSENT = -1
N_TOKENS = 1 << 31  # A step is a node times so many plus a token, in 64 bits.


class Trie:
    """
    Finds the columns of the grams in sequences of tokens without building a single gram.

    Each gram is a path of tokens from one of ``n_roots`` roots. Steps are looked up for all places
    of all sequences together, in one sorted array of (node, token), so that the work a token is a
    few array operations and not a few strings. ``apart`` says of a token to which kind it belongs:
    no gram has tokens of two kinds.
    """

    def __init__(self, grams: Iterable[Gram], n_roots: int, apart: Callable[[str], bool]) -> None:
        self._tokens: dict[str, int] = {}
        self.longest = 0
        steps: dict[int, int] = {}
        columns: list[int] = [ABSENT] * n_roots
        # One at a time: all grams in pieces would take more memory than everything else here.
        for root, tokens, column in grams:
            self.longest = max(self.longest, len(tokens))
            node = root
            for token in tokens:
                step = node * N_TOKENS + self._tokens.setdefault(token, len(self._tokens))
                node = steps.setdefault(step, len(columns))
                if node == len(columns):
                    columns.append(ABSENT)
            columns[node] = column
        self._kinds = np.array([apart(token) for token in self._tokens] or [False], dtype=bool)
        keys = np.fromiter(steps.keys(), dtype=np.int64, count=len(steps))
        nodes = np.fromiter(steps.values(), dtype=np.int64, count=len(steps))
        order = np.argsort(keys)
        self._keys, self._nodes = keys[order], nodes[order]
        self._columns = np.array(columns, dtype=np.int64)

    def numbers(self, tokens: Sequence[str]) -> list[int]:
        """Return the number of each token, ``ABSENT`` for those that no gram holds."""
        get = self._tokens.get
        return [get(token, ABSENT) for token in tokens]

    def find(self, tokens: Int64, rows: Int64, roots: Int64) -> tuple[Int64, Int64]:
        """
        Return (rows, columns) of all grams, one entry an occurrence.

        ``tokens`` are :meth:`numbers` of all sequences behind one another; ``rows`` and ``roots``
        say of each token which sequence it is of and where its grams start. Sequences of one row
        with different roots are different sequences.
        """
        found_rows, found_columns = [], []
        places = np.flatnonzero(tokens != ABSENT)
        nodes = roots[places]
        first = places
        for depth in range(self.longest):
            if depth:
                # One further: inside the same sequence, a known token, of the same kind.
                ahead = places + 1
                inside = ahead < len(tokens)
                first, ahead, nodes = first[inside], ahead[inside], nodes[inside]
                same = (tokens[ahead] != ABSENT) & (rows[ahead] == rows[first])
                same &= roots[ahead] == roots[first]
                same &= self._kinds[tokens[ahead]] == self._kinds[tokens[first]]
                first, places, nodes = first[same], ahead[same], nodes[same]
            nodes, known = self._step(nodes, tokens[places])
            first, places, nodes = first[known], places[known], nodes[known]
            columns = self._columns[nodes]
            whole = columns != ABSENT
            found_rows.append(rows[first][whole])
            found_columns.append(columns[whole])
        if not found_rows:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        return np.concatenate(found_rows), np.concatenate(found_columns)

    def _step(self, nodes: Int64, tokens: Int64) -> tuple[Int64, NDArray[np.bool_]]:
        """Return the children of ``nodes`` and which of them there are."""
        if not len(self._keys):
            return nodes, np.zeros(len(nodes), dtype=bool)
        wanted = nodes * N_TOKENS + tokens
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return self._nodes[at], self._keys[at] == wanted
