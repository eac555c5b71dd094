"""Transformer encoders at work: texts to vectors, with PyTorch or as a quantised ONNX graph."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engagement.learning.sentiment.base import Float32, imported
from engagement.learning.sentiment.bases import READABLE, read_pooling, write_pooling
from engagement.learning.sentiment.cleaning import normalise

# A text's signs that can matter when so many tokens are read; long texts are cut before the
# tokenizer sees them, whose time grows with what it is given.
SIGNS_A_TOKEN = 12
# What a quantised graph reads at once, padding included: it stays in the caches. Thirty-two
# times as many take half a gigabyte, and half as long again.
TOKENS_AT_ONCE = 128

GRAPH, WEIGHTS = "graph.onnx", "weights.bin"  # The graph names the other file.

# What reads: weights, prefix, tokens, precision.
Key = tuple[bytes, str, int, bool]


class Read:
    """What is remembered: vectors by what read them and text, and graphs by weights."""

    def __init__(self) -> None:
        self.vectors: dict[Key, dict[str, Float32]] = {}
        self.graphs: dict[bytes, tuple[NDArray[np.uint8], NDArray[np.uint8]]] = {}


_read: ContextVar[Read | None] = ContextVar("_read", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """While it lasts no text is read twice by the same weights: folds ask for the same ones."""
    if _read.get() is not None:
        yield
        return
    token = _read.set(Read())
    try:
        yield
    finally:
        _read.reset(token)


def remembered(
    key: Key,
    texts: Sequence[str],
    embed: Callable[[Sequence[str]], Float32],
) -> Float32:
    """Return the vectors of ``texts``; ``embed`` is asked for those not read before."""
    read = _read.get()
    known = {} if read is None else read.vectors.setdefault(key, {})
    new = [text for text in dict.fromkeys(texts) if text not in known]
    known.update(zip(new, embed(new), strict=True))
    return np.stack([known[text] for text in texts]) if len(texts) else embed([])


class Encoder:
    """
    A ``transformers`` encoder and its tokenizer; a text's vector is the mean over its tokens, or
    with ``pooling="cls"`` that of the first one, of length 1.

    One thread, evaluation mode, texts sorted by length and padded batch by batch. Nothing of it is
    loaded before it is used, so that a process may fork first. ``prefix`` is put before each text
    (``"query: "`` for the E5 family). ``bfloat16``: multiply in half precision.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        max_tokens: int,
        prefix: str = "",
        bfloat16: bool = False,
        pooling: str = "mean",
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.max_tokens = max_tokens
        self.prefix = prefix
        self.bfloat16 = bfloat16
        self.pooling = pooling

    @classmethod
    def load(
        cls, name: str, revision: str, max_tokens: int, prefix: str, bfloat16: bool = False
    ) -> Encoder:
        """
        Load a local folder or a hub name; raises OSError when there is no such model.

        How a folder's tokens make a vector is looked up where sentence-transformers keeps it.
        """
        transformers = imported("transformers", "transformers")
        torch = imported("torch", "transformers")
        torch.set_num_threads(1)
        # Never pickled weights, never code of the model's own.
        safe = {"use_safetensors": True, "trust_remote_code": False}
        where = {"revision": revision} if revision and not Path(name).is_dir() else {}
        if not Path(name).is_dir() and (name.startswith((".", "/")) or name.count("/") > 1):
            raise OSError(f"{name} is no folder")
        tokenizer = transformers.AutoTokenizer.from_pretrained(name, **where)
        with quiet(transformers):
            model = transformers.AutoModel.from_pretrained(name, **safe, **where)
        # Never asked here, and random at each load where the file does not hold it.
        if getattr(model, "pooler", None) is not None:
            model.pooler = None
        longest = min(max_tokens, _places(model))
        pooling = read_pooling(Path(name))
        return cls(model.eval(), tokenizer, longest, prefix, bfloat16, pooling)

    def cut(self, depth: int) -> Encoder:
        """Keep the ``depth`` lowest layers; raises ValueError where there are none to count."""
        stack = getattr(self.model, "encoder", None)
        layers = getattr(stack, "layer", None)
        if stack is None or layers is None or not 0 < depth <= len(layers):
            n = "unknown" if layers is None else len(layers)
            raise ValueError(f"depth must be from 1 to the encoder's number of layers, {n}")
        stack.layer = layers[:depth]
        self.model.config.num_hidden_layers = depth
        return self

    @property
    def width(self) -> int:
        return int(self.model.config.hidden_size)

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return read_tokens(self.tokenizer, texts, self.max_tokens, self.prefix)

    def vectors(self, ids: Any, mask: Any) -> Any:
        """Return the vectors of a padded batch, as a tensor that gradients flow through."""
        hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        if self.pooling == "cls":
            first = hidden[:, 0]
            return first / first.norm(dim=1, keepdim=True).clamp(min=1e-6)
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)

    def pad(self, rows: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        torch = imported("torch", "transformers")
        ids, mask = padded(rows, int(self.tokenizer.pad_token_id or 0))
        return torch.from_numpy(ids), torch.from_numpy(mask)

    def embed(self, texts: Sequence[str], batch_size: int = 32) -> Float32:
        """Return vectors, shape (number of texts, width)."""
        if _read.get() is None:
            return self._embed(texts, batch_size)
        key = (self.fingerprint().tobytes(), self.prefix, self.max_tokens, self.bfloat16)
        return remembered(key, texts, lambda new: self._embed(new, batch_size))

    def _embed(self, texts: Sequence[str], batch_size: int) -> Float32:
        torch = imported("torch", "transformers")
        self.model.eval()
        rows = self.tokens(texts)
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        device = next(self.model.parameters()).device
        mixed = torch.autocast(device.type, dtype=torch.bfloat16, enabled=self.bfloat16)
        with torch.inference_mode(), mixed:
            for places in batches(rows, batch_size):
                ids, mask = self.pad([rows[i] for i in places])
                found = self.vectors(ids.to(device), mask.to(device))
                vectors[places] = found.float().cpu().numpy()
        return vectors

    # -- storage ----------------------------------------------------------------------------
    def write(self, folder: Path) -> Path:
        """Write the encoder into ``folder`` as ``transformers`` reads it; return the folder."""
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        if self.pooling != "mean":
            write_pooling(folder, self.pooling, self.width)
        for path in folder.iterdir():
            if path.is_file():
                path.chmod(READABLE)
        return folder

    def fingerprint(self) -> NDArray[np.uint8]:
        """
        Return the SHA-256 of the weights, and of how vectors are made of what they say: a head fits
        the encoder that it was learnt on.
        """
        return fingerprint(self.model, "" if self.pooling == "mean" else self.pooling)

    def as_graph(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """
        Return the encoder as an int8 ONNX graph: the bytes of the graph, and of its weights.

        Weights are quantised column by column, activations as they come; a process that only reads
        it needs neither PyTorch nor transformers.
        """
        read = _read.get()
        if read is None:
            return self._as_graph()
        weights = self.fingerprint().tobytes()
        if weights not in read.graphs:
            read.graphs[weights] = self._as_graph()
        return read.graphs[weights]

    def _as_graph(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        torch = imported("torch", "transformers")
        onnx = imported("onnx", "transformers")
        quantization = imported("onnxruntime.quantization", "transformers")
        wrapped = _graph_of(torch, self)
        example = torch.ones((2, 8), dtype=torch.long)
        axes = {0: "texts", 1: "tokens"}
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            # The exporter that needs no further package is deprecated, and works.
            warnings.simplefilter("ignore")
            full, small, graph = (
                Path(folder) / name for name in ("full.onnx", "small.onnx", GRAPH)
            )
            torch.onnx.export(
                wrapped.eval(),
                (example, example),
                str(full),
                input_names=["ids", "mask"],
                output_names=["vectors"],
                dynamic_axes={"ids": axes, "mask": axes, "vectors": {0: "texts"}},
                opset_version=17,
                dynamo=False,
            )
            # Seven bits of eight: without VNNI sums of full ones overflow, and are cut off.
            quantization.quantize_dynamic(
                str(full),
                str(small),
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
            )
            # In a file of their own the weights are mapped; inside the graph they are held twice.
            onnx.save_model(
                onnx.load_model(str(small)),
                str(graph),
                save_as_external_data=True,
                location=WEIGHTS,
            )
            parts = (path.read_bytes() for path in (graph, graph.with_name(WEIGHTS)))
            structure, weights = (np.frombuffer(part, dtype=np.uint8).copy() for part in parts)
        return structure, weights

    def tokenizer_file(self) -> NDArray[np.uint8]:
        """Return tokenizer.json as an array of bytes."""
        text = self.tokenizer.backend_tokenizer.to_str()
        return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def _places(model: Any) -> int:
    """Return how many tokens the model has places for."""
    places = getattr(model.config, "max_position_embeddings", None) or 10**6
    # The RoBERTa family counts its places from two on.
    return int(places) - 2 if "roberta" in model.config.model_type else int(places)


def fingerprint(model: Any, more: str = "") -> NDArray[np.uint8]:
    """Return the SHA-256 of a model's weights, and of what ``more`` there is to it."""
    digest = hashlib.sha256(more.encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return np.frombuffer(digest.digest(), dtype=np.uint8).copy()


def _graph_of(torch: Any, encoder: Encoder) -> Any:
    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = encoder.model

        def forward(self, ids: Any, mask: Any) -> Any:
            return encoder.vectors(ids, mask)

    return Graph()


def _write(array: NDArray[np.uint8], path: Path) -> None:
    """Write the array's bytes; those of a mapped file are not read into memory for that."""
    mapped: Any = array
    while mapped is not None and not isinstance(mapped, np.memmap):
        mapped = getattr(mapped, "base", None)
    if mapped is None or mapped.nbytes != array.nbytes or not Path(str(mapped.filename)).is_file():
        array.tofile(path)
        return
    with Path(str(mapped.filename)).open("rb") as source, path.open("wb") as target:
        source.seek(mapped.offset)
        shutil.copyfileobj(source, target)


class Graph:
    """
    A quantised encoder out of arrays: ONNX Runtime and tokenizers, some 80 MB in all.

    ``weights``: None where the graph holds them itself, as it did in earlier versions.
    """

    def __init__(
        self,
        graph: NDArray[np.uint8],
        tokenizer: NDArray[np.uint8],
        max_tokens: int,
        prefix: str,
        pad: int,
        weights: NDArray[np.uint8] | None = None,
    ) -> None:
        # Before the session, which takes what reading it gives back.
        text = tokenizer.tobytes().decode()
        self._tokenizer = imported("tokenizers", "transformers").Tokenizer.from_str(text)
        del text
        runtime = imported("onnxruntime", "transformers")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Batches differ in length: a plan would be kept of each.
        options.enable_mem_pattern = False
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            # From bytes the runtime holds, and never gives back, another copy of the weights.
            path = Path(folder) / GRAPH
            _write(graph, path)
            if weights is not None:
                _write(weights, path.with_name(WEIGHTS))
            self._session = runtime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        self.max_tokens = max_tokens
        self.prefix = prefix
        self.pad = pad
        self._key = hashlib.sha256(graph.tobytes()).digest() if _read.get() is not None else b""

    def embed(self, texts: Sequence[str], batch_size: int = 32) -> Float32:
        if _read.get() is None or not self._key:
            return self._embed(texts, batch_size)
        key = (self._key, self.prefix, self.max_tokens, False)
        return remembered(key, texts, lambda new: self._embed(new, batch_size))

    def _embed(self, texts: Sequence[str], batch_size: int) -> Float32:
        rows = read_tokens(self._tokenizer, texts, self.max_tokens, self.prefix)
        vectors: Float32 | None = None
        for places in batches(rows, batch_size, TOKENS_AT_ONCE):
            ids, mask = padded([rows[i] for i in places], self.pad)
            answer = self._session.run(None, {"ids": ids, "mask": mask})[0]
            if vectors is None:
                vectors = np.zeros((len(texts), answer.shape[1]), dtype=np.float32)
            vectors[places] = answer
        return np.zeros((0, 0), dtype=np.float32) if vectors is None else vectors


# -- batches ----------------------------------------------------------------------------------
def read_tokens(
    tokenizer: Any, texts: Sequence[str], max_tokens: int, prefix: str
) -> list[list[int]]:
    """Return the token numbers of each text, cut to ``max_tokens``."""
    given = [prefix + normalise(text)[: SIGNS_A_TOKEN * max_tokens] for text in texts]
    if hasattr(tokenizer, "encode_batch"):
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_tokens)
        return [found.ids for found in tokenizer.encode_batch(given)]
    if not given:
        return []
    found: list[list[int]] = tokenizer(given, truncation=True, max_length=max_tokens)["input_ids"]
    return found


def batches(
    rows: Sequence[Sequence[int]], size: int, n_tokens: int | None = None
) -> list[list[int]]:
    """
    Return positions in batches of up to ``size`` texts of like length: padding is what batches
    waste. With ``n_tokens`` a batch holds no more than these, padded, unless it is a single text.
    """
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    chosen: list[list[int]] = []
    for place in order:
        width = len(chosen[-1]) + 1 if chosen else 1
        # The texts come by length: the one at hand is the longest of its batch.
        is_full = n_tokens is not None and width * len(rows[place]) > n_tokens
        if not chosen or width > size or (is_full and width > 1):
            chosen.append([])
        chosen[-1].append(place)
    return chosen


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    longest = max(1, *(len(row) for row in rows)) if rows else 1
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return ids, mask


class quiet:  # noqa: N801
    """No report and no progress bar of transformers while a model is loaded."""

    def __init__(self, transformers: Any) -> None:
        self.logging = transformers.utils.logging

    def __enter__(self) -> None:
        self.verbosity = self.logging.get_verbosity()
        self.logging.set_verbosity_error()
        self.logging.disable_progress_bar()

    def __exit__(self, *_: object) -> None:
        self.logging.set_verbosity(self.verbosity)
        self.logging.enable_progress_bar()
