"""The data sets, the protocol of each, and who is compared on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measures import DATA
from engagement.flows.training.log_files import open_log
from engagement.flows.training.log_rows import SESSION_STEP, Events, LogReader
from engagement.flows.training.protocol_tasks import Options, ask, ask_from
from engagement.learning.evaluation import ALL, NEW, Task
from engagement.learning.interactions import Interactions
from engagement.learning.recommenders import recipes
from engagement.learning.recommenders.features import Catalogue

HERE = "benchmarks.quality.peers"
Spec = Mapping[str, Any]
Loaded = tuple[Task, Catalogue | None]


@dataclass(frozen=True)
class Section:
    """
    ``load`` gives the questions of the protocol. ``variant`` decides. ``peers`` and ``ours`` are
    what is compared; each entry of ``grids`` is tried on the validation questions first, and the
    best one of a name is what is measured. ``target``: the best figure published or measured.
    """

    name: str
    title: str
    protocol: str
    command: str
    load: Callable[[Options], Loaded]
    variant: str
    ours: Mapping[str, Spec]
    grids: Mapping[str, list[Spec]]
    target: str = ""
    validation_sample: int = 2_000

    @property
    def has_moments(self) -> bool:
        return self.protocol.startswith("time split")


def peer(name: str, **options: Any) -> Spec:
    return {"BACKEND": f"{HERE}.{name}", "OPTIONS": options}


# What each peer is tried with: few settings, the same for all data, as a shop would try them.
FACTORS: dict[str, list[Spec]] = {
    "implicit ALS": [
        peer("ImplicitALS", factors=factors, alpha=alpha, regularization=regularization)
        for factors, alpha, regularization in (
            (64, 1.0, 0.05),
            (64, 10.0, 1.0),
            (128, 1.0, 10.0),
            (128, 2.0, 1.0),
        )
    ],
    "implicit BPR": [
        peer("ImplicitBPR", factors=factors, regularization=regularization, learning_rate=rate)
        for factors, regularization, rate in ((64, 0.01, 0.05), (128, 0.05, 0.05), (64, 0.01, 0.01))
    ],
    "LightFM WARP": [
        peer("LightFM", no_components=components, epochs=epochs)
        for components, epochs in ((32, 10), (64, 30))
    ],
}
# Where each attempt takes minutes, the slowest peer gets one.
LARGE = {**FACTORS, "LightFM WARP": FACTORS["LightFM WARP"][:1]}
OURS: dict[str, list[Spec]] = {
    "EASE": [
        {
            "BACKEND": f"{recipes.HERE}.linear.EASE",
            "OPTIONS": {"regularization": regularization, "half_life_days": half_life},
        }
        for regularization, half_life in (
            (100.0, 60.0),
            (300.0, None),
            (300.0, 60.0),
            (1000.0, 60.0),
        )
    ],
    "ItemKNN": [
        {
            "BACKEND": f"{recipes.HERE}.neighbours.ItemKNN",
            "OPTIONS": {"weighting": weighting, "half_life_days": half_life},
        }
        for weighting in ("cosine", "bm25")
        for half_life in (None, 60.0)
    ],
}


# -- reading ----------------------------------------------------------------------------------
@cache
def read(
    path: Path, *, by_session: bool = False, with_texts: bool = False, **options: Any
) -> tuple[LogReader, Events, Interactions]:
    reader = LogReader(by_session=by_session, with_texts=with_texts)
    events = reader.read(open_log(path, by_session=by_session, **options))
    return reader, events, reader.interactions(events)


def until(task: Task) -> int:
    return int(task.train.moments.max(initial=0)) + 1


def movielens(options: Options) -> Loaded:
    _, _, log = read(DATA / "movielens_100k" / "inter.parquet")
    # All items are new to a user here; films seen before are not asked for.
    task = ask("time", log, replace(options, share=0.2), np.random.default_rng(0))
    return replace(task, questions={NEW: task.questions[NEW]}), None


def online_retail(options: Options) -> Loaded:
    path = DATA / "online_retail" / "online_retail.parquet"
    reader, _, log = read(path, with_texts=True, item_pattern=r"^\d{5}")
    task = ask("time", log, replace(options, days=28), np.random.default_rng(0))
    catalogue = reader.catalogue(until(task))
    if catalogue is not None:
        # Kindred articles have neighbouring stock numbers.
        codes = np.unique([str(key)[:3] for key in log.column_keys], return_inverse=True)[1]
        catalogue = replace(catalogue, categories=codes.astype(np.int32))
    return task, catalogue


def demo(options: Options) -> Loaded:
    """The purchases that the demonstration shop is filled with, in its everyday size."""
    from shop_demo.seeding.source import SIZES, Source, folder

    source = Source(folder())
    lines = source.purchases(SIZES["default"])
    products = source.products().set_index("product_id")
    log = Interactions.from_keys(
        lines["household"].to_numpy(),
        lines["product"].to_numpy(),
        moments=lines["at"].to_numpy().astype("datetime64[s]").astype(np.int64),
    )
    task = ask("time", log, replace(options, days=28), np.random.default_rng(0))
    before = lines[lines["at"].to_numpy().astype("datetime64[s]").astype(np.int64) < until(task)]
    prices = (before["regular"] / before["quantity"]).groupby(before["product"]).median()
    types = products["product_type"].reindex(log.column_keys).fillna("")
    return task, Catalogue(
        prices=prices.reindex(log.column_keys).to_numpy(dtype=np.float32),
        categories=np.unique(types.to_numpy(dtype=str), return_inverse=True)[1].astype(np.int32),
    )


@cache
def read_both(
    train: Path, test: Path, *, by_session: bool = False
) -> tuple[LogReader, Events, Events]:
    reader = LogReader(by_session=by_session)
    first, second = (reader.read(open_log(path, by_session=by_session)) for path in (train, test))
    return reader, first, second


def gowalla(options: Options) -> Loaded:
    folder = DATA / "gowalla_lightgcn"
    reader, train, test = read_both(folder / "train.txt.gz", folder / "test.txt.gz")
    log, answers = reader.interactions(train), reader.interactions(test)
    return ask_from("files", log, answers, options, np.random.default_rng(0)), None


def sessions(options: Options) -> Loaded:
    folder = DATA / "sessions_retailrocket"
    names = ("train_sessions.parquet", "test_pairs.parquet")
    reader, learnt, pairs = read_both(*(folder / name for name in names), by_session=True)
    log = reader.interactions(learnt)
    asked = reader.questions(pairs, int(log.moments.max(initial=0)) + SESSION_STEP)
    return ask_from("sessions", log, asked, options, np.random.default_rng(0)), None


def sequences(name: str) -> Callable[[Options], Loaded]:
    def load(options: Options) -> Loaded:
        _, _, log = read(DATA / "amazon_sequences_s3rec" / f"{name}.txt.gz")
        return ask("sequences", log, options, np.random.default_rng(0)), None

    return load


# -- what there is ----------------------------------------------------------------------------
def _with_blend(models: Mapping[str, Spec], blend: Spec, *leave_out: str) -> dict[str, Spec]:
    return {
        **{name: spec for name, spec in models.items() if name not in leave_out},
        "blend": blend,
    }


SECTIONS = {
    section.name: section
    for section in (
        Section(
            "movielens",
            "MovieLens 100K, the latest fifth of the ratings",
            "time split at the 80 % quantile of all moments; users with ratings before it are "
            "asked for the films they rate after it; films rated before are not ranked",
            "python -m benchmarks movielens",
            movielens,
            NEW,
            _with_blend(recipes.SHOP, recipes.SHOP_BLEND_NEW, "ItemKNN", "EASE", "own purchases"),
            {**FACTORS, **OURS},
        ),
        Section(
            "online_retail",
            "Online Retail, the last 28 days",
            "time split; customers with purchases before the cut are asked for what they buy "
            "after it; the whole catalogue is ranked",
            "python -m benchmarks online_retail",
            online_retail,
            ALL,
            _with_blend(recipes.SHOP, recipes.SHOP_BLEND, "ItemKNN", "EASE"),
            {**FACTORS, **OURS},
            ".303 single, .356 quick blend (nDCG@10)",
        ),
        Section(
            "demo",
            "The demonstration shop's own log, its last 28 days",
            "time split; households are asked for what they buy in the 28 days after the cut; the "
            "whole catalogue is ranked",
            "python -m benchmarks demo",
            demo,
            ALL,
            _with_blend(recipes.SHOP, recipes.SHOP_BLEND, "ItemKNN", "EASE"),
            {**LARGE, **OURS},
        ),
        Section(
            "gowalla",
            "Gowalla, LightGCN's split",
            "fixed split: each user's test items are the answers, training items are not ranked",
            "python -m benchmarks gowalla",
            gowalla,
            ALL,
            {
                **{name: recipes.PAIRS[name] for name in ("UserKNN", "RP3β", "graph filter")},
                "ensemble": recipes.PAIRS_BLEND,
            },
            {
                **LARGE,
                "implicit ALS": [
                    *FACTORS["implicit ALS"][2:],
                    peer("ImplicitALS", factors=256, alpha=30.0, regularization=0.1),
                ],
                "ItemKNN": OURS["ItemKNN"][::2],
            },
            "recall@20 .187 (SimpleX), nDCG@20 .158 (UltraGCN)",
            1_000,
        ),
        Section(
            "sessions",
            "Retailrocket sessions, COTREC's pairs",
            "prefixes of sessions; the next item is the answer; all items are ranked",
            "python -m benchmarks sessions",
            sessions,
            ALL,
            {**recipes.SESSIONS, "blend": recipes.SESSIONS_BLEND},
            {
                "implicit ALS, folded in": [
                    {"BACKEND": f"{recipes.HERE}.factors.IALS", "OPTIONS": {}}
                ]
            },
            "P@20 56.2, MRR@20 30.0 (COTREC)",
        ),
        *(
            Section(
                name,
                f"Amazon {title}, S3-Rec's sequences",
                "leave-one-out: the last item is the answer, the one before it is withheld from "
                "learning; items of the history are not ranked",
                f"python -m benchmarks {name}",
                sequences(file),
                ALL,
                {
                    "sequence rules": recipes.SEQUENCES["rules"],
                    "session neighbours": recipes.SEQUENCES["sessions"],
                    "blend": recipes.SEQUENCES_BLEND,
                },
                {
                    "implicit ALS": [
                        *FACTORS["implicit ALS"][::2],
                        peer("ImplicitALS", factors=128, alpha=30.0, regularization=0.1),
                    ],
                    "implicit BPR": FACTORS["implicit BPR"][:1],
                    "LightFM WARP": FACTORS["LightFM WARP"],
                },
                target,
            )
            for name, title, file, target in (
                ("beauty", "Beauty", "Beauty", "HR@10 .093, nDCG@10 .053 (eSASRec)"),
                ("toys", "Toys and Games", "Toys_and_Games", "HR@10 .097, nDCG@10 .058 (eSASRec)"),
            )
        ),
    )
}
