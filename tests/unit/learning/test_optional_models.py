"""Models that need an optional package to learn, and none to serve."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engagement.learning.interactions import Histories, Interactions
from engagement.learning.recommenders import BPR, IALS, HybridFactors, Recommender, SASRec
from engagement.learning.recommenders.content import ContentSimilarity, text_features
from engagement.learning.recommenders.embedding import embed
from engagement.learning.recommenders.features import Catalogue
from engagement.learning.recommenders.ranking import top_n
from engagement.testing.recommenders import checkerboard

EXTRAS = [
    (BPR, "implicit", "factors"),
    (HybridFactors, "lightfm", "hybrid"),
    (IALS, "implicit", "factors"),
    (SASRec, "torch", "torch"),
]


@pytest.mark.parametrize(("model", "package", "extra"), EXTRAS)
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    model: type[Recommender], package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(ImportError, match=rf"{package} is not.*django-engagement\[{extra}\]"):
        model().fit(checkerboard())


def test_a_web_process_loads_none_of_them() -> None:
    code = (
        "import sys, engagement.learning.recommenders, engagement.learning.sentiment\n"
        "heavy = {'torch', 'lightfm', 'implicit', 'lightgbm', 'sklearn', 'scipy.stats'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


class TestHybridFactors:
    @pytest.fixture(autouse=True)
    def _needs_lightfm(self) -> None:
        pytest.importorskip("lightfm")

    def shop(self) -> tuple[Interactions, Catalogue]:
        """Forty visitors drink tea or coffee; the last tea and the last coffee are new."""
        rng = np.random.default_rng(3)
        rows, columns = [], []
        for row in range(40):
            own = rng.choice(5, 4, replace=False) + 6 * (row % 2)
            rows += [row] * 4
            columns += own.tolist()
        n = len(rows)
        log = Interactions(
            np.array(rows, dtype=np.int32),
            np.array(columns, dtype=np.int32),
            np.arange(n, dtype=np.int64),
            np.ones(n, dtype=np.float32),
            40,
            12,
        )
        titles = [f"green tea {i}" for i in range(6)] + [f"roasted coffee {i}" for i in range(6)]
        return log, Catalogue(
            categories=np.repeat([0, 1], 6).astype(np.int32), texts=text_features(titles)
        )

    def new_items(self, catalogue: Catalogue | None) -> tuple[float, float]:
        log, _ = self.shop()
        model = HybridFactors(n_factors=8).fit(
            log, rng=np.random.default_rng(1), catalogue=catalogue
        )
        scores = model.score(Histories.of([0, 2]))[0]
        return scores[5] - scores[11], scores[5]

    def test_an_item_that_nobody_has_touched_is_known_by_its_category_and_title(self) -> None:
        _, catalogue = self.shop()
        gain, score = self.new_items(catalogue)
        assert score > 0
        assert gain > abs(self.new_items(None)[0])

    @pytest.mark.parametrize("part", ["categories", "texts"])
    def test_either_is_enough(self, part: str) -> None:
        _, catalogue = self.shop()
        gain, _ = self.new_items(Catalogue(**{part: getattr(catalogue, part)}))
        assert gain > 0


class TestSASRec:
    @pytest.fixture(autouse=True)
    def _needs_torch(self) -> None:
        pytest.importorskip("torch")

    def circles(self) -> Interactions:
        """Everybody walks around a circle of twenty items, from different places on."""
        rows = np.repeat(np.arange(60), 8)
        columns = (np.tile(np.arange(8), 60) + rows * 7) % 20
        n = len(rows)
        return Interactions(
            rows.astype(np.int32),
            columns.astype(np.int32),
            np.arange(n, dtype=np.int64),
            np.ones(n, dtype=np.float32),
            60,
            20,
        )

    def test_the_order_decides_what_comes_next(self) -> None:
        model = SASRec(n_factors=16, length=6, n_samples=20, batch_size=16, learning_rate=0.01)
        model.fit(self.circles(), rng=np.random.default_rng(1))
        up = model.score(Histories.of([3, 4, 5], moments=[1, 2, 3], now=4))
        assert top_n(up[0], 1).tolist() == [6]
        up = model.score(Histories.of([11, 12], moments=[1, 2], now=4))
        assert top_n(up[0], 1).tolist() == [13]

    def test_what_is_served_is_what_was_learnt(self) -> None:
        """The forward pass in NumPy equals the one in PyTorch."""
        import torch

        from engagement.learning.recommenders.sasrec_training import _Model

        options = SASRec(n_factors=12, n_heads=3, length=7).get_options()
        torch.manual_seed(4)
        learnt = _Model(30, options).eval()
        for parameter in learnt.parameters():  # Also what begins as ones and zeros.
            torch.nn.init.normal_(parameter, std=0.5)
        served = SASRec(**options)
        served.n_items_ = np.asarray(30)
        for name, value in learnt.arrays().items():
            setattr(served, f"{name}_", value.detach().numpy())
        rng = np.random.default_rng(2)
        read = rng.integers(30, size=(5, 7))
        read[1, :3] = read[2, :6] = -1
        with torch.no_grad():
            expected = learnt.states(torch.from_numpy(read))[:, -1].numpy()
        np.testing.assert_allclose(
            served._states(np.maximum(read, 0), read >= 0), expected, rtol=1e-4, atol=1e-4
        )

    def test_heads_must_share_the_width(self) -> None:
        with pytest.raises(ValueError, match=r"n_factors \(10\) is no multiple"):
            SASRec(n_factors=10, n_heads=4)

    def test_the_state_of_torchs_chance_is_left_alone(self) -> None:
        import torch

        torch.manual_seed(9)
        expected = torch.rand(1)
        torch.manual_seed(9)
        SASRec(n_factors=4, n_epochs=1).fit(checkerboard(), rng=np.random.default_rng(1))
        assert torch.rand(1) == expected


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real encoder of a few thousand weights, made here."""
    transformers = pytest.importorskip("transformers")
    import torch

    folder = tmp_path_factory.mktemp("encoder")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "green", "tea", "black", "coffee", "roasted"]
    (folder / "vocab.txt").write_text("\n".join(words))
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    torch.manual_seed(1)
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


class TestEmbeddings:
    def test_every_text_has_a_vector_of_length_one_in_its_place(self, encoder: str) -> None:
        texts = ["roasted black coffee", "tea", "", "green tea green tea", "tea"]
        vectors = embed(texts, encoder=encoder, batch_size=2)
        assert vectors.shape == (5, 16)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 1, 0, 1, 1], rtol=1e-5)
        np.testing.assert_allclose(vectors[1], vectors[4], rtol=1e-4, atol=1e-6)
        alone = embed(texts[3:4], encoder=encoder)
        np.testing.assert_allclose(vectors[3], alone[0], rtol=1e-4, atol=1e-5)

    def test_tells_how_far_it_is(self, encoder: str) -> None:
        told: list[tuple[int, int]] = []
        embed(["tea"] * 5, encoder=encoder, batch_size=2, progress=lambda *far: told.append(far))
        assert told == [(2, 5), (4, 5), (5, 5)]

    def test_a_folder_that_is_none_is_named(self, tmp_path: Path) -> None:
        pytest.importorskip("transformers")
        with pytest.raises(ValueError, match=r"encoder: .*nowhere is no folder"):
            embed(["tea"], encoder=str(tmp_path / "nowhere"))

    def test_a_folder_without_a_model_is_refused(self, tmp_path: Path) -> None:
        pytest.importorskip("transformers")
        with pytest.raises(ValueError, match=r"encoder: .* cannot be loaded"):
            embed(["tea"], encoder=str(tmp_path))


def test_items_are_alike_that_mean_the_same_in_other_words() -> None:
    """Three items, no word in common; the first and the last mean the same."""
    log = Interactions.from_keys([1, 1, 1], [0, 1, 2])
    texts = text_features(["sofa", "kettle", "couch"])
    vectors = np.array([[0.9, 0.1, 0.4], [0.1, 0.9, 0.4], [0.85, 0.2, 0.4]], dtype=np.float32)
    asked = Histories.of([0])
    words = ContentSimilarity().fit(log, catalogue=Catalogue(texts=texts))
    assert words.score(asked)[0, 2] == 0
    both = ContentSimilarity().fit(log, catalogue=Catalogue(texts=texts, embeddings=vectors))
    scores = both.score(asked)[0]
    assert scores[2] > 0 > scores[1]
    for column in range(3):
        assert np.isclose(both.explain(asked, column).sum(), scores[column], rtol=1e-5)


def test_an_item_without_a_text_is_like_nothing() -> None:
    log = Interactions.from_keys([1, 1, 1], [0, 1, 2])
    vectors = np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32)
    model = ContentSimilarity().fit(log, catalogue=Catalogue(embeddings=vectors))
    assert not model.score(Histories.of([2])).any()
