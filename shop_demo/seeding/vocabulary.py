"""What the shop calls the things of the source data: ``vocabulary.txt`` and ``varieties.txt``."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Heading:
    """A department, or a category with its department as ``parent``."""

    slug: str
    name: str
    name_zh: str
    picture: str
    tint: str
    parent: Heading | None = None
    varieties: str = "generic"


@dataclass(frozen=True)
class Entry:
    """One kind of product. ``name`` is empty where the type's own words have to do."""

    heading: Heading
    name: str
    name_zh: str
    picture: str
    varieties: str


@dataclass
class Vocabulary:
    headings: list[Heading] = field(default_factory=list)
    exact: dict[tuple[str, str], Entry] = field(default_factory=dict)
    beginnings: dict[str, list[tuple[str, Entry]]] = field(default_factory=dict)
    varieties: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def entry(self, category: str, kind: str) -> Entry | None:
        """Return what a type of the source data is called, or None for what is not sold here."""
        found = self.exact.get((category, kind))
        if found is not None:
            return found
        patterns = self.beginnings.get(category, [])
        matches = [(len(start), entry) for start, entry in patterns if kind.startswith(start)]
        return max(matches, key=lambda match: match[0])[1] if matches else None

    def add(self, category: str, pattern: str, entry: Entry) -> None:
        if pattern.endswith("*"):
            self.beginnings.setdefault(category, []).append((pattern[:-1], entry))
        else:
            self.exact[category, pattern] = entry


@functools.cache
def load() -> Vocabulary:
    vocabulary = Vocabulary(varieties=_varieties((FOLDER / "varieties.txt").read_text("utf-8")))
    department = category = Heading("", "", "", "", "")
    source = ""
    for line in (FOLDER / "vocabulary.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("@ "):
            source = line[2:].strip()
            continue
        cells = [cell.strip() for cell in line.lstrip("=+ ").split("|")]
        if line.startswith("= "):
            department = Heading(*cells[:4], tint=cells[4])
            vocabulary.headings.append(department)
        elif line.startswith("+ "):
            category = Heading(
                *cells[:4], tint=department.tint, parent=department, varieties=cells[4]
            )
            vocabulary.headings.append(category)
        else:
            pattern, name, name_zh, picture, varieties, *_ = [*cells, "", "", "", ""]
            entry = Entry(
                category,
                name,
                name_zh,
                picture or category.picture,
                varieties or category.varieties,
            )
            vocabulary.add(source, pattern, entry)
    return vocabulary


def _varieties(text: str) -> dict[str, list[tuple[str, str]]]:
    lists = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, words = line.partition(":")
            pairs = [pair.strip().partition("=") for pair in words.split(",")]
            lists[name] = [(english, chinese) for english, _, chinese in pairs]
    return lists
