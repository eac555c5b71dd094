"""A classifier that others trained, read by the pipeline of transformers; what its labels mean."""

import numpy as np
import pytest

from engagement.learning.sentiment import (
    NEGATIVE,
    NEUTRAL,
    POSITIVE,
    MissingExtra,
    PretrainedClassifier,
    TinyEncoder,
)
from engagement.learning.sentiment.pretrained import UnknownLabels, UntrainedHead, class_of
from engagement.learning.sentiment.transformer import WrongBase
from engagement.testing import ClassifierTests
from engagement.testing.classifiers import reviews

NAMES = {0: "negative", 1: "neutral", 2: "positive"}
STARS = {number: f"{number + 1} stars" for number in range(5)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("NEGATIVE", NEGATIVE),
        ("LABEL_neg", NEGATIVE),
        ("Very Positive", POSITIVE),
        ("neutral", NEUTRAL),
        ("1 star", NEGATIVE),
        ("2 stars", NEGATIVE),
        ("star 3", NEUTRAL),
        ("4星", POSITIVE),
        ("5", POSITIVE),
        ("negative (stars 1, 2 and 3)", NEGATIVE),
        ("正面", POSITIVE),
        ("LABEL_0", None),
        ("anger", None),
        ("positive or negative", None),
    ],
)
def test_labels_are_understood_by_name_or_by_stars(name, expected):
    assert class_of(name) == expected


def test_labels_given_must_be_classes():
    with pytest.raises(ValueError, match="labels must name"):
        PretrainedClassifier(base="x", labels={"LABEL_0": "angry"})


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"django-engagement\[transformers\]"):
        PretrainedClassifier(base="/nowhere").fit([], [])


def write(folder, names, *, seed=1, epochs=40):
    """Train a small BertForSequenceClassification as any project does, and write it."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    texts, labels = reviews()
    start = TinyEncoder(width=32, layers=1, max_tokens=48, vocabulary=200)
    encoder = start._prepare(texts, np.random.default_rng(seed))
    config = encoder.model.config
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.id2label, config.label2id = names, {name: number for number, name in names.items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.BertForSequenceClassification(config)
    # Five stars: the classes' middles.
    truth = labels if len(names) < 5 else labels * 2
    truth = truth if len(names) > 2 else truth // 2
    kept = np.flatnonzero(labels != NEUTRAL) if len(names) == 2 else np.arange(len(labels))
    ids, mask = encoder.pad(encoder.tokens([texts[row] for row in kept]))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(epochs):
        loss = model(ids, attention_mask=mask, labels=torch.tensor(truth[kept])).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval().save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return folder


# Importing PyTorch alone takes longer than the everyday suite may.
@pytest.mark.slow
class TestPretrainedClassifier(ClassifierTests):
    classifier = PretrainedClassifier
    names = NAMES
    learns = False
    explains = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _written(cls, tmp_path_factory):
        cls.options = {"base": str(write(tmp_path_factory.mktemp("model"), cls.names))}


@pytest.mark.slow
class TestPretrainedStars(TestPretrainedClassifier):
    names = STARS


@pytest.mark.slow
class TestPretrainedTwoClasses(TestPretrainedClassifier):
    names = {0: "NEGATIVE", 1: "POSITIVE"}


@pytest.mark.slow
class TestFolders:
    @pytest.fixture
    def nameless(self, tmp_path):
        return write(tmp_path, {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}, epochs=1)

    def test_it_answers_what_the_pipeline_answers(self, tmp_path):
        folder = write(tmp_path, NAMES, epochs=10)
        pipeline = pytest.importorskip("transformers").pipeline
        said = pipeline("text-classification", model=str(folder))("the dress is great", top_k=None)
        expected = {row["label"]: row["score"] for row in said}
        model = PretrainedClassifier(base=str(folder)).fit([], [])
        answer = model.predict_proba(["the dress is great"])[0]
        np.testing.assert_allclose(answer, [expected[name] for name in NAMES.values()], atol=1e-4)

    def test_labels_without_a_meaning_have_to_be_given(self, nameless):
        with pytest.raises(UnknownLabels, match="LABEL_0, LABEL_1, LABEL_2"):
            PretrainedClassifier(base=str(nameless)).fit([], [])
        given = {"LABEL_0": "positive", "LABEL_1": "neutral", "LABEL_2": "negative"}
        plain = {"LABEL_0": "negative", "LABEL_1": "neutral", "LABEL_2": "positive"}
        turned, straight = (
            PretrainedClassifier(base=str(nameless), labels=labels).fit([], [])
            for labels in (given, plain)
        )
        texts = ["the dress is great"]
        np.testing.assert_allclose(
            turned.predict_proba(texts), straight.predict_proba(texts)[:, ::-1], atol=1e-6
        )

    def test_an_encoder_without_a_head_is_refused(self, tmp_path):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        texts, _ = reviews()
        bare = TinyEncoder(width=32, layers=1)._prepare(texts, np.random.default_rng(1))
        bare.model.save_pretrained(tmp_path)
        bare.tokenizer.save_pretrained(tmp_path)
        with pytest.raises(UntrainedHead, match="classifier"):
            PretrainedClassifier(base=str(tmp_path)).fit([], [])

    def test_other_weights_under_the_same_name_are_refused(self, tmp_path):
        folder = write(tmp_path, NAMES, epochs=1)
        arrays = PretrainedClassifier(base=str(folder)).fit([], []).get_arrays()
        write(tmp_path, NAMES, seed=2, epochs=1)
        loaded = PretrainedClassifier(base=str(folder)).set_arrays(arrays)
        with pytest.raises(WrongBase):
            loaded.predict_proba(["the dress is great"])

    def test_no_such_folder(self):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")
        with pytest.raises(OSError, match="no folder"):
            PretrainedClassifier(base="/no/such/model").fit([], [])
