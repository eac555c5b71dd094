"""
How often ordinary reviews are flagged, and how fast: ``python -m benchmarks.flags``.

Reads the English and Chinese reviews under ``ENGAGEMENT_DATA``. Nobody has labelled them, so that
what is counted is how much work flags would make, with the words that raised each kind.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from benchmarks import set_up

FILES = {
    "en": ("womens_clothing_reviews/reviews.parquet", "Review Text"),
    "zh": ("chinese_reviews/online_shopping_10_cats.parquet", "review"),
}
SURE = 0.5
SHOWN = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=5000, help="reviews of each language")
    asked = parser.parse_args()
    folder = Path(os.environ.get("ENGAGEMENT_DATA", "../shared/data"))
    set_up()
    for language, (name, column) in FILES.items():
        texts = pd.read_parquet(folder / name)[column].dropna().astype(str)
        measure(language, texts.sample(asked.n, random_state=7).tolist())


def measure(language: str, texts: list[str]) -> None:
    from engagement.flows.understanding.flags import finding
    from engagement.flows.understanding.flags.base import Subject
    from engagement.flows.understanding.flags.word_lists import Watched

    at, nobody = datetime.now(UTC), Watched()
    kinds: Counter[str] = Counter()
    shown = defaultdict(list)
    flagged = apart = 0
    started = time.process_time()
    for text in texts:
        found = finding.in_text(Subject("review", "1", "", text, at, language=language), nobody)
        sure = [flag for flag in found if flag.confidence >= SURE]
        flagged += bool(sure)
        apart += any(flag.code not in ("CR", "DBA", "PRI") for flag in sure)
        for flag in sure:
            kind = f"{flag.code.value} {flag.reason}"
            kinds[kind] += 1
            shown[kind] += [text[start:end][:30] for start, end in flag.spans]
    seconds = time.process_time() - started
    print(
        f"{language}: {flagged:,} of {len(texts):,} flagged ({apart:,} leaving out names of shops "
        f"and prices); {len(texts) / seconds:,.0f} texts a second of processor time"
    )
    for kind, n in kinds.most_common():
        print(f"{n:>8,}  {kind:<18} {' | '.join(shown[kind][:SHOWN])}")


if __name__ == "__main__":
    main()
