"""Texts as weighted grams: words of spaced scripts, signs of Chinese, in one vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engagement.learning.sentiment.base import Span
from engagement.learning.sentiment.cleaning import (
    EMOJI,
    HAN,
    HANGUL,
    KANA,
    normalise,
    squeezed,
)
from engagement.learning.sentiment.trie import Gram, Trie
from engagement.learning.storable import Storable, pack, unpack

# A sign of an unspaced script, a word with its apostrophes, an emoji, or what shouts and asks.
_PIECE = re.compile(
    rf"[{HAN}{KANA}{HANGUL}]|[^\W_{HAN}{KANA}{HANGUL}]+(?:['’][^\W\d_]+)*|[{EMOJI}]|[!?]+|:-?[()]"
)
# The same, every other mark a token of its own.
_PIECE_OR_MARK = re.compile(rf"{_PIECE.pattern}|[^\w\s]")
_LETTERS = re.compile(rf"[^\W_{HAN}{KANA}{HANGUL}]+")
INSIDE = "\x04"  # Marks letters inside a word, which are no word themselves.
_UNSPACED = re.compile(f"[{HAN}{KANA}{HANGUL}]")
TITLE = "\x02"  # Marks the grams of a title; no text holds it once it is normalised.
BODY_ROOT, TITLE_ROOT, N_ROOTS = 0, 1, 2  # Where the grams of texts and of titles start.
BATCH = 4_096  # Texts whose tokens are in memory at once.


class Piece(NamedTuple):
    """One token of a text and where it stands in it."""

    text: str
    start: int
    end: int


def pieces(text: str) -> list[Piece]:
    """Return the tokens of ``text`` as typed, for showing which of them mattered."""
    return [Piece(m.group().lower(), m.start(), m.end()) for m in _PIECE.finditer(text)]


def combine(tokens: Sequence[str], n_words: int, n_signs: int, mark: str = "") -> list[str]:
    """
    Return all grams of ``tokens``: up to ``n_words`` words joined by a space, and up to ``n_signs``
    signs in a row of an unspaced script. A gram never mixes the two.
    """
    if not any(map(_UNSPACED.match, tokens)):
        found = [mark + token for token in tokens] if n_words else []
        for n in range(2, n_words + 1):
            found += [mark + " ".join(part) for part in zip(*_shifted(tokens, n), strict=False)]
        return found
    found = []
    for run, unspaced in _runs(tokens):
        longest, joint = (n_signs, "") if unspaced else (n_words, " ")
        for n in range(1, longest + 1):
            found += [mark + joint.join(part) for part in zip(*_shifted(run, n), strict=False)]
    return found


def _shifted(tokens: Sequence[str], n: int) -> list[Sequence[str]]:
    return [tokens[start:] for start in range(n)]


def _runs(tokens: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    run: list[str] = []
    kind = False
    for token in tokens:
        unspaced = _UNSPACED.match(token) is not None
        if run and unspaced != kind:
            yield run, kind
            run = []
        kind = unspaced
        run.append(token)
    if run:
        yield run, kind


class Grams(Storable):
    """
    TF-IDF of grams, learnt from texts: sublinear counts × inverse document frequency, rows of
    length 1.

    ``n_words``, ``n_signs``: the longest gram of words, of signs. ``min_texts``: grams of fewer
    texts are left out. ``max_grams``: the most frequent ones kept. ``titles``: whether the words of
    a first line are counted once more, as a title's. ``letters``: the longest run of letters inside
    words that counts, from three on; 0 leaves them out, which reads four times as many texts a
    second. ``marks``: whether commas and the like are words, too: they tell authors apart, not
    feelings.
    """

    vocabulary_: NDArray[np.uint8]
    idf_: NDArray[np.float32]

    def __init__(
        self,
        n_words: int = 2,
        n_signs: int = 3,
        min_texts: int = 2,
        max_grams: int = 200_000,
        titles: bool = True,
        letters: int = 0,
        marks: bool = False,
    ) -> None:
        self.n_words = n_words
        self.n_signs = n_signs
        self.min_texts = min_texts
        self.max_grams = max_grams
        self.titles = titles
        self.letters = letters
        self.marks = marks
        self._forget()

    def _forget(self) -> None:
        self._columns: dict[str, int] | None = None
        self._trie: Trie | None = None

    def of(self, text: str) -> list[str]:
        """Return the grams of one text, with repetitions."""
        plain = squeezed(normalise(text)).lower()
        found = combine(self._piece.findall(plain), self.n_words, self.n_signs)
        found += self._inside(plain)
        if self.titles:
            title, line_break, _ = plain.partition("\n")
            if line_break:
                found += combine(_PIECE.findall(title), self.n_words, self.n_signs, TITLE)
        return found

    @property
    def _piece(self) -> re.Pattern[str]:
        return _PIECE_OR_MARK if self.marks else _PIECE

    def _inside(self, plain: str) -> list[str]:
        found: list[str] = []
        for word in _LETTERS.findall(plain) if self.letters else ():
            edged = f" {word} "
            for n in range(3, self.letters + 1):
                found += [INSIDE + edged[i : i + n] for i in range(len(edged) - n + 1)]
        return found

    def fit(self, texts: Iterable[str]) -> Self:
        n_texts: Counter[str] = Counter()
        n = 0
        for text in texts:
            n_texts.update(set(self.of(text)))
            n += 1
        kept = [(gram, count) for gram, count in n_texts.items() if count >= self.min_texts]
        # Ties in the alphabet's order: the same texts give the same columns in any process.
        kept.sort(key=lambda pair: (-pair[1], pair[0]))
        kept = kept[: self.max_grams]
        self.vocabulary_ = pack([gram for gram, _ in kept])
        counts = np.array([count for _, count in kept], dtype=np.float64)
        self.idf_ = (np.log((1 + n) / (1 + counts)) + 1).astype(np.float32)
        self._forget()
        return self

    @property
    def columns(self) -> dict[str, int]:
        if self._columns is None:
            self._columns = {gram: column for column, gram in enumerate(unpack(self.vocabulary_))}
        return self._columns

    @property
    def trie(self) -> Trie:
        if self._trie is None:
            grams = enumerate(unpack(self.vocabulary_))
            self._trie = Trie(
                (_path(gram, column) for column, gram in grams if gram[0] != INSIDE),
                N_ROOTS,
                lambda token: _UNSPACED.match(token) is not None,
            )
        return self._trie

    def transform(self, texts: Iterable[str]) -> csr_array:
        """Return one row a text, float32; texts without a known gram are rows of zeros."""
        rows, columns, n = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
        for batch in batched(texts, BATCH):
            in_batch, found = self._found(batch)
            rows.append(in_batch + n)
            columns.append(found)
            n += len(batch)
        matrix = self._counted(np.concatenate(rows), np.concatenate(columns), n)
        matrix.data = (1 + np.log(matrix.data)) * self.idf_[matrix.indices]
        squares = np.add.reduceat(
            np.append(matrix.data**2, np.float32(0)), np.minimum(matrix.indptr[:-1], matrix.nnz)
        )
        lengths = np.diff(matrix.indptr)
        norms = np.sqrt(np.where(lengths > 0, squares, 1))
        matrix.data /= np.repeat(norms, lengths).astype(np.float32)
        return matrix

    def _found(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (rows, columns) of the known grams, one entry an occurrence."""
        trie, piece = self.trie, self._piece
        numbers: list[int] = []
        sequences: list[tuple[int, int, int]] = []
        inside_rows: list[int] = []
        inside: list[int] = []
        for row, text in enumerate(texts):
            plain = squeezed(normalise(text)).lower()
            found = trie.numbers(piece.findall(plain))
            sequences.append((row, BODY_ROOT, len(found)))
            numbers += found
            if self.titles and "\n" in plain:
                found = trie.numbers(_PIECE.findall(plain.partition("\n")[0]))
                sequences.append((row, TITLE_ROOT, len(found)))
                numbers += found
            if self.letters:
                get = self.columns.get
                known = [c for gram in self._inside(plain) if (c := get(gram)) is not None]
                inside += known
                inside_rows += [row] * len(known)
        of, roots, lengths = np.array(sequences, dtype=np.int64).reshape(-1, 3).T
        rows, columns = trie.find(
            np.array(numbers, dtype=np.int64), np.repeat(of, lengths), np.repeat(roots, lengths)
        )
        return (
            np.concatenate([rows, np.array(inside_rows, dtype=np.int64)]),
            np.concatenate([columns, np.array(inside, dtype=np.int64)]),
        )

    def _counted(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64], n_texts: int
    ) -> csr_array:
        """Return how often each gram is in each text, float32, columns in order."""
        width = len(self.idf_)
        places, counts = np.unique(rows * max(width, 1) + columns, return_counts=True)
        of, found = np.divmod(places, max(width, 1))
        ends = np.zeros(n_texts + 1, dtype=np.int32)
        np.cumsum(np.bincount(of, minlength=n_texts), out=ends[1:])
        values = counts.astype(np.float32)
        return csr_array((values, found.astype(np.int32), ends), shape=(n_texts, width))

    def spans(self, text: str, weights: NDArray[np.floating]) -> list[Span]:
        """Return (start, end, share) of the pieces of ``text`` that have a share."""
        found = pieces(text)
        return [
            (piece.start, piece.end, float(share))
            for piece, share in zip(found, self.shares(found, text, weights), strict=True)
            if share
        ]

    def shares(
        self, found: Sequence[Piece], text: str, weights: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return for each piece of ``text`` its share of the grams' values × ``weights``."""
        row = self.transform([text])
        worth = row.data * weights[row.indices]
        values = dict(zip(row.indices.tolist(), worth.tolist(), strict=True))
        places: dict[int, list[tuple[int, int]]] = {}
        for start, n, gram in self._placed(found, text):
            column = self.columns.get(gram)
            if column is not None and column in values:
                places.setdefault(column, []).append((start, n))
        totals = np.zeros(len(found))
        for column, where in places.items():
            for start, n in where:
                totals[start : start + n] += values[column] / n / len(where)
        return totals

    def _placed(self, found: Sequence[Piece], text: str) -> Iterator[tuple[int, int, str]]:
        tokens = [squeezed(normalise(piece.text)).lower() for piece in found]
        parts = [(tokens, "")]
        title, line_break, _ = text.strip().partition("\n")
        if self.titles and line_break:
            n_title = len(pieces(title))
            parts.append((tokens[:n_title], TITLE))
        for part, mark in parts:
            start = 0
            for run, unspaced in _runs(part):
                longest, joint = (self.n_signs, "") if unspaced else (self.n_words, " ")
                for n in range(1, longest + 1):
                    for i in range(len(run) - n + 1):
                        yield start + i, n, mark + joint.join(run[i : i + n])
                start += len(run)


def _path(gram: str, column: int) -> Gram:
    """Return the root and the tokens of a gram as :func:`combine` writes it."""
    root = TITLE_ROOT if gram[0] == TITLE else BODY_ROOT
    bare = gram.removeprefix(TITLE)
    return root, list(bare) if _UNSPACED.match(bare) else bare.split(" "), column


def batched(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    some: list[str] = []
    for text in texts:
        some.append(text)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
