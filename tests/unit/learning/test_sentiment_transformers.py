"""Encoders on disk and in training; a person with the extra installed runs these."""

import numpy as np
import pytest

from engagement.learning.sentiment import (
    Ensemble,
    MissingExtra,
    SeedEncoder,
    TinyEncoder,
    Transformer,
    bases,
)
from engagement.learning.sentiment.aspect_encoder import AspectEncoder, marked
from engagement.learning.sentiment.encoders import Encoder
from engagement.learning.sentiment.heads import Head
from engagement.learning.sentiment.transformer import WrongBase, chosen
from tests.unit.learning.test_sentiment_aspects import sentences

TEXTS = [
    f"{thing} {word}"
    for thing in ("dress", "phone", "kettle", "book", "shoe", "lamp", "chair", "bag")
    for word in ("great", "lovely", "plain", "usual", "awful", "broken")
]
LABELS = np.array([2, 2, 1, 1, 0, 0] * 8)
OPTIONS = {"width": 32, "layers": 1, "max_tokens": 32, "min_texts": 40, "learning_rate": 5e-3}


def test_without_the_extra_the_error_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(MissingExtra, match=r"django-engagement\[transformers\]"):
        Transformer(base="/nowhere").fit(TEXTS, LABELS)


def test_the_aspect_is_named_and_marked():
    assert marked(["good screen, bad battery"], [(17, 24)]) == [
        "battery : good screen, bad  [ battery ] "
    ]
    with pytest.raises(ValueError, match="spans"):
        marked(["one"], [])


def test_few_texts_are_chosen_for_the_rare_classes_and_the_same_ones_every_time():
    texts = [f"text {i}" for i in range(100)]
    numbers = np.array([0] * 5 + [1] * 15 + [2] * 80)

    rows = chosen(texts, numbers, 30)

    assert np.bincount(numbers[rows]).tolist() == [5, 13, 12]
    backwards = chosen(texts[::-1], numbers[::-1], 30)
    assert {texts[::-1][i] for i in backwards} == {texts[i] for i in rows}
    assert chosen(texts, numbers, 1_000) == list(range(100))


def test_rows_chosen_for_rare_classes_are_calibrated_for_how_frequent_these_are():
    rng = np.random.default_rng(1)
    numbers = np.repeat([0, 2], 500)
    rows = (numbers[:, None] - 1) + rng.normal(scale=2, size=(1_000, 1))
    shares = np.array([0.1, 0.0, 0.9])

    head = Head().fit(rows, numbers, rng, shares=shares)

    proba = head.predict_proba(rows)
    mean = (proba[numbers == 0].mean(axis=0) + 9 * proba[numbers == 2].mean(axis=0)) / 10
    np.testing.assert_allclose(mean, shares, atol=0.03)


@pytest.mark.slow
class TestWithTheExtra:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("torch")
        pytest.importorskip("transformers")

    @pytest.fixture
    def base(self, tmp_path):
        """Write a small random encoder as any folder of transformers is written."""
        tiny = TinyEncoder(**OPTIONS)
        return tiny._prepare(TEXTS, np.random.default_rng(1)).write(tmp_path / "base")

    def test_a_killed_fine_tuning_goes_on_where_it_was(self, base, tmp_path):
        options = {
            "base": str(base),
            "tuned": True,
            "epochs": 3,
            "batch_size": 8,
            "learning_rate": 1e-3,
            "min_texts": 10,
            "save_every": 2,
            "max_tokens": 16,
            "patience": 3,
        }
        whole = Transformer(**options).fit(TEXTS, LABELS, rng=np.random.default_rng(1))

        class Killed(Exception):
            pass

        def kill(progress):
            if progress.step == 9:
                raise Killed

        folder, steps = tmp_path / "state", []
        with pytest.raises(Killed):
            Transformer(**options).fit(
                TEXTS, LABELS, rng=np.random.default_rng(1), checkpoint=folder, progress=kill
            )
        resumed = Transformer(**options).fit(
            TEXTS,
            LABELS,
            rng=np.random.default_rng(1),
            checkpoint=folder,
            progress=lambda progress: steps.append(progress.step),
        )
        assert steps[0] == 9
        np.testing.assert_allclose(
            resumed.predict_proba(TEXTS), whole.predict_proba(TEXTS), atol=1e-4
        )

    def test_labels_of_two_classes_tune_the_encoder_too(self, base):
        options = {"base": str(base), "tuned": True, "epochs": 1, "min_texts": 10}
        model = Transformer(**options).fit(TEXTS, np.where(LABELS == 1, 2, LABELS))
        assert any(name.startswith("changed-") for name in model.get_arrays())
        assert model.predict_proba(TEXTS)[:, 1].max() < 1e-6

    def test_the_table_of_tokens_stays_as_it_is_unless_told_otherwise(self, base):
        options = {"base": str(base), "tuned": True, "epochs": 1, "min_texts": 10}
        changed = {
            frozen: [
                name
                for name in Transformer(**options, frozen_words=frozen)
                .fit(TEXTS, LABELS)
                .get_arrays()
                if name.startswith("changed-")
            ]
            for frozen in (True, False)
        }
        assert not any("word_embeddings" in name for name in changed[True])
        assert any("word_embeddings" in name for name in changed[False])

    def test_a_tuned_encoder_can_be_the_base_of_another_model(self, base, tmp_path):
        options = {"tuned": True, "epochs": 2, "min_texts": 10, "learning_rate": 1e-3}
        first = Transformer(base=str(base), **options).fit(TEXTS, LABELS)
        folder = first.write_encoder(tmp_path / "tuned")
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}
        second = Transformer(base=str(folder)).fit(TEXTS, LABELS)
        plain = Transformer(base=str(base)).fit(TEXTS, LABELS)
        hits = [(model.predict(TEXTS) == LABELS).mean() for model in (plain, second)]
        assert hits[1] >= hits[0]

    @pytest.mark.parametrize("quantised", [False, True])
    def test_no_more_is_read_than_the_encoder_has_places_for(self, base, quantised):
        model = Transformer(base=str(base), quantised=quantised).fit(TEXTS, LABELS)
        again = Transformer(**model.get_options()).set_arrays(model.get_arrays())
        assert again.predict_proba(["dress great " * 200]).shape == (1, 3)

    def test_fewer_layers_may_be_taken(self, tmp_path):
        deep = TinyEncoder(**OPTIONS | {"layers": 2})._prepare(TEXTS, np.random.default_rng(1))
        base = str(deep.write(tmp_path / "deep"))
        model = Transformer(base=base, depth=1, tuned=True, min_texts=10, epochs=1)
        model.fit(TEXTS, LABELS)
        again = Transformer(**model.get_options()).set_arrays(model.get_arrays())
        np.testing.assert_allclose(
            again.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-4
        )
        assert len(again._loaded().model.encoder.layer) == 1
        with pytest.raises(ValueError, match="number of layers, 2"):
            Transformer(base=base, depth=3).fit(TEXTS, LABELS)

    def test_a_quantised_encoder_is_no_base(self, base, tmp_path):
        model = Transformer(base=str(base), quantised=True).fit(TEXTS, LABELS)
        with pytest.raises(ValueError, match="no base"):
            model.write_encoder(tmp_path / "none")

    def test_a_quantised_encoder_answers_from_mapped_files_alike(self, base, tmp_path):
        model = Transformer(base=str(base), quantised=True).fit(TEXTS, LABELS)
        said = model.predict_proba(TEXTS)
        arrays = model.get_arrays()
        for name in ("graph_", "weights_"):
            np.save(tmp_path / name, arrays[name])
            arrays[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        again = Transformer(**model.get_options()).set_arrays(arrays)
        np.testing.assert_array_equal(again.predict_proba(TEXTS), said)
        assert len(arrays["weights_"]) > len(arrays["head-coef_"])

    def test_a_quantised_encoder_of_an_earlier_version_answers_alike(self, base, tmp_path):
        onnx = pytest.importorskip("onnx")
        model = Transformer(base=str(base), quantised=True).fit(TEXTS, LABELS)
        arrays = model.get_arrays()
        arrays["graph_"].tofile(tmp_path / "graph.onnx")
        arrays.pop("weights_").tofile(tmp_path / "weights.bin")
        whole = onnx.load_model(str(tmp_path / "graph.onnx")).SerializeToString()
        arrays["graph_"] = np.frombuffer(whole, dtype=np.uint8)
        again = Transformer(**model.get_options()).set_arrays(arrays)
        np.testing.assert_array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))

    def test_an_encoder_learns_which_words_belong_to_which_thing(self, base):
        texts, spans, labels = sentences()
        options = {"base": str(base), "epochs": 10, "learning_rate": 5e-3, "min_texts": 10}
        model = AspectEncoder(**options, max_tokens=32, share=0.9)
        model.fit(texts, spans, labels, rng=np.random.default_rng(1))
        assert (model.predict(texts, spans) == labels).mean() > 0.9
        proba = model.predict_proba(texts, spans)
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
        again = AspectEncoder(**model.get_options()).set_arrays(model.get_arrays())
        np.testing.assert_allclose(again.predict_proba(texts, spans), proba, atol=1e-4)
        assert model.predict_proba([], []).shape == (0, 3)

    def test_another_encoder_under_the_same_name_is_refused(self, base):
        model = Transformer(base=str(base), max_tokens=16).fit(TEXTS, LABELS)
        arrays = model.get_arrays()
        other = TinyEncoder(**OPTIONS)._prepare(TEXTS, np.random.default_rng(2))
        other.model.save_pretrained(base)
        loaded = Transformer(base=str(base), max_tokens=16).set_arrays(arrays)
        with pytest.raises(WrongBase):
            loaded.predict_proba(["dress great"])

    def test_a_folder_may_say_that_the_first_token_is_the_vector(self, base, tmp_path):
        mean = Transformer(base=str(base), max_tokens=16).fit(TEXTS, LABELS)
        bases.write_pooling(base, "cls", 32)

        first = Transformer(base=str(base), max_tokens=16).fit(TEXTS, LABELS)

        np.testing.assert_allclose(np.linalg.norm(first.vectors(TEXTS[:3]), axis=1), 1, atol=1e-5)
        assert bases.read_pooling(first.write_encoder(tmp_path / "again")) == "cls"
        stored = Transformer(**mean.get_options()).set_arrays(mean.get_arrays())
        with pytest.raises(WrongBase):
            stored.predict_proba(TEXTS[:1])

    def test_a_head_may_be_learnt_on_some_of_the_texts(self, base, monkeypatch):
        read = []
        embed = Encoder.embed
        monkeypatch.setattr(
            Encoder, "embed", lambda self, texts: read.extend(texts) or embed(self, texts)
        )
        Transformer(base=str(base), n_texts=12).fit(TEXTS, LABELS)
        assert len(read) == 12

    def test_no_more_of_the_shops_texts_than_of_the_packaged_ones_calibrate(
        self, base, monkeypatch
    ):
        read = []
        embed = Encoder.embed
        monkeypatch.setattr(
            Encoder, "embed", lambda self, texts: read.extend(texts) or embed(self, texts)
        )
        model = SeedEncoder(base=str(base), prefix="", n_texts=20, min_texts=10)
        model.fit(TEXTS, LABELS, seed=(TEXTS, LABELS))
        assert len(read) == 40

    def test_rated_seeds_teach_what_is_neither(self, base):
        options = {"base": str(base), "prefix": "", "max_tokens": 16}
        half, most = (
            SeedEncoder(**options, positive_share=share).fit([], [], seed=(TEXTS, LABELS))
            for share in (0.5, 0.9)
        )
        plain = Transformer(base=str(base), max_tokens=16).fit(
            TEXTS, LABELS, rng=np.random.default_rng(0)
        )
        assert most.predict_proba(TEXTS)[:, 2].mean() > half.predict_proba(TEXTS)[:, 2].mean()
        assert half.predict_proba(TEXTS)[:, 1].mean() == pytest.approx(
            plain.predict_proba(TEXTS)[:, 1].mean(), abs=0.05
        )

    def test_a_seeded_encoder_answers_without_labels_of_the_shop(self, base):
        model = SeedEncoder(base=str(base), prefix="", max_tokens=16)
        model.fit([], [], seed=(TEXTS, np.where(LABELS == 1, 2, LABELS)))
        arrays = model.get_arrays()
        again = SeedEncoder(**model.get_options()).set_arrays(arrays)
        proba = model.predict_proba(TEXTS)
        np.testing.assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(again.predict_proba(TEXTS), proba, atol=1e-6)

    def test_folds_read_each_text_once(self, base, monkeypatch):
        read = []
        monkeypatch.setattr(
            Encoder,
            "_embed",
            lambda self, texts, size: read.extend(texts) or np.ones((len(texts), self.width)),
        )
        member = {"BACKEND": "engagement.learning.sentiment.Transformer"}
        Ensemble({"encoder": member | {"OPTIONS": {"base": str(base)}}}).fit(TEXTS, LABELS)

        assert sorted(read) == sorted(TEXTS)

    def test_half_precision_answers_nearly_the_same(self, base):
        options = {"base": str(base), "tuned": True, "epochs": 2, "min_texts": 10}
        whole, half = (
            Transformer(**options, bfloat16=mixed).fit(TEXTS, LABELS).predict_proba(TEXTS)
            for mixed in (False, True)
        )
        np.testing.assert_allclose(half, whole, atol=0.05)
