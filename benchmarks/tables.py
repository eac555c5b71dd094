"""
Writes what was measured into the docs: python -m benchmarks.tables

Each table stands between ``<!-- NAME -->`` and ``<!-- end -->``; only complete results of full
runs are written. Nothing is typed by hand: a figure in the docs is one that a command printed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import benchmarks
from benchmarks.measures import RESULTS, ROOT

PAGES = (ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "scale.md", ROOT / "README.md")
PEERS = ("implicit", "LightFM", "last week", "best sellers")
HEADS = {"ndcg": "nDCG@{k}", "recall": "recall@{k}", "hit_rate": "HR@{k}", "mrr": "MRR@{k}"}


def main() -> None:
    benchmarks.set_up()
    from benchmarks.quality.sections import SECTIONS

    tables: dict[str, str] = {}
    for name, section in SECTIONS.items():
        path = RESULTS / f"quality-{name}.json"
        if not path.is_file():
            continue
        known = json.loads(path.read_text())
        # Half a comparison is none.
        if {*section.grids, *section.ours} <= known["models"].keys():
            tables[name] = "\n".join(quality(section, known))
            tables[f"{name} short"] = "\n".join(short(section, known))
            tables["machine"] = machine(known)
    path = RESULTS / "scale.json"
    if path.is_file():
        known = json.loads(path.read_text())
        tables["scale"] = "\n".join(scale(known))
        tables["database"] = "\n".join(database(known))
        tables["machine"] = machine(known)
    for page in PAGES:
        if page.is_file():
            page.write_text(filled(page.read_text(), tables))


def filled(text: str, tables: dict[str, str]) -> str:
    """Return ``text`` with every known table in its place."""

    def table(match: re.Match[str]) -> str:
        name = match[1]
        body = tables.get(name)
        return match[0] if body is None else f"<!-- {name} -->\n{body}\n<!-- end -->"

    return re.sub(r"<!-- ([\w ]+?) -->\n.*?<!-- end -->", table, text, flags=re.DOTALL)


def machine(known: dict[str, Any]) -> str:
    found = known["machine"]
    return (
        f"{found['processor']}, {found['cores']} cores that other work shared, one thread a model; "
        f"Python {found['python']}, NumPy {found['numpy']}."
    )


def quality(section: Any, known: dict[str, Any]) -> Iterator[str]:
    models = known["models"]
    first = next(iter(models.values()))
    k, metrics = first["k"], first["metrics"]
    metrics = metrics[:2] if len(metrics) > 2 else metrics
    variants = sorted(first["n"], key=lambda name: name != section.variant)
    heads = [
        f"{HEADS[metric].format(k=k)}{f', {variant}' if len(variants) > 1 else ''}"
        for variant in variants
        for metric in metrics
    ]
    asked = ", ".join(f"{first['n'][variant]:,} asked ({variant})" for variant in variants)
    yield f"{first['train']:,} interactions to learn from; {asked}."
    yield ""
    yield f"| model | {' | '.join(heads)} | fit | one visitor | peak memory |"
    yield "|---" * (len(heads) + 4) + "|"
    decides = f"{metrics[0]}@{k}"
    ranked = sorted(models.items(), key=lambda one: -one[1]["summary"][section.variant][decides])
    for name, found in ranked:
        cells = []
        for variant in variants:
            for metric in metrics:
                value = found["summary"][variant][f"{metric}@{k}"]
                sure = metric == metrics[0]
                cells.append(_value(value, _questions(found, variant, metric) if sure else None))
        label = name if name.startswith(PEERS) else f"**{name}**"
        yield (
            f"| {label} | {' | '.join(cells)} | {found['fit_s']:.1f} s | "
            f"{found['p50_ms']:.1f} / {found['p90_ms']:.1f} ms | {found['memory_mb']:,.0f} MB |"
        )
    yield ""
    yield _against_the_best_peer(section, ranked, metrics[0], k)
    tried = [
        f"{name}: {_options(found['spec'])} of {len(found['tried'])}"
        for name, found in models.items()
        if found["tried"]
    ]
    if tried:
        yield ""
        yield f"Chosen on validation questions: {'; '.join(tried)}."
    if section.target:
        yield ""
        yield f"Best known: {section.target}."


def short(section: Any, known: dict[str, Any]) -> Iterator[str]:
    """Yield a table for readers in a hurry: the deciding metric alone."""
    models = known["models"]
    first = next(iter(models.values()))
    k, metric = first["k"], first["metrics"][0]
    yield f"| model | {HEADS[metric].format(k=k)} | learnt in |"
    yield "|---|---|---|"
    for name, found in sorted(
        models.items(), key=lambda one: -one[1]["summary"][section.variant][f"{metric}@{k}"]
    ):
        value = found["summary"][section.variant][f"{metric}@{k}"]
        label = name if name.startswith(PEERS) else f"**{name}**"
        cell = _value(value, _questions(found, section.variant, metric))
        yield f"| {label} | {cell} | {found['fit_s']:.1f} s |"


def _against_the_best_peer(
    section: Any, ranked: list[tuple[str, dict[str, Any]]], metric: str, k: int
) -> str:
    from engagement.learning.evaluation import bootstrap

    ours = next((one for one in ranked if not one[0].startswith(PEERS)), None)
    peer = next((one for one in ranked if one[0].startswith(PEERS)), None)
    if ours is None or peer is None:
        return ""
    difference = _questions(ours[1], section.variant, metric) - _questions(
        peer[1], section.variant, metric
    )
    low, high = bootstrap(difference, np.random.default_rng(0))
    return (
        f"{ours[0]} against the best peer, {peer[0]}, on the same questions: "
        f"{difference.mean():+.4f} {HEADS[metric].format(k=k)} ({low:+.4f} to {high:+.4f})."
    )


def _questions(found: dict[str, Any], variant: str, metric: str) -> Any:
    with np.load(RESULTS / found["questions"]) as arrays:
        return arrays[f"{variant}.{metric}"].astype(np.float64)


def _value(value: float, questions: Any) -> str:
    if questions is None:
        return f"{value:.4f}"
    from engagement.learning.evaluation import bootstrap

    low, high = bootstrap(questions, np.random.default_rng(0))
    return f"{value:.4f} ({low:.4f}–{high:.4f})"


def _options(spec: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in spec["OPTIONS"].items())


def scale(known: dict[str, Any]) -> Iterator[str]:
    from benchmarks.scale.models import MODELS

    yield "| model | events × items | learnt in | memory at most | stored | one visitor |"
    yield "|---|---|---|---|---|---|"
    for name in MODELS:
        for key, found in known.items():
            if key.rpartition(" ")[0] == name:
                yield (
                    f"| {name} | {_size(key)} | {_seconds(found['fit_s'])} | "
                    f"{found['peak_mb'] / 1000:.1f} GB | {found['artifact_mb']:,.0f} MB | "
                    f"{found['p50_ms']:.1f} / {found['p90_ms']:.1f} ms |"
                )


def database(known: dict[str, Any]) -> Iterator[str]:
    yield (
        "| database | events × items | rows to arrays | of it this process | memory at most | "
        "cleaned and numbered too | of it this process | memory at most |"
    )
    yield "|---" * 8 + "|"
    for key, found in known.items():
        if "read_s" in found:
            yield (
                f"| {key.rpartition(' ')[0]} | {_size(key)} | {found['read_s']:,.1f} s | "
                f"{found['read_cpu_s']:,.1f} s | {found['read_peak_mb'] / 1000:.1f} GB | "
                f"{found['dataset_s']:,.1f} s | {found['dataset_cpu_s']:,.1f} s | "
                f"{found['dataset_peak_mb'] / 1000:.1f} GB |"
            )


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 1 else f"{1000 * value:.0f} ms"


def _size(key: str) -> str:
    events, _, items = key.rpartition(" ")[2].partition("x")
    return f"{float(events):,.0f} × {float(items):,.0f}"


if __name__ == "__main__":
    main()
