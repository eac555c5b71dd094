"""Vectors of texts from a pretrained encoder: an optional part."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engagement.learning.interactions import Float32
from engagement.learning.recommenders.rankers import MissingExtra


def embed(
    texts: Sequence[str],
    *,
    encoder: str,
    prefix: str = "",
    batch_size: int = 32,
    max_tokens: int = 128,
    progress: Callable[[int, int], None] | None = None,
) -> Float32:
    """
    Return one vector of length 1 a text, shape (texts, width of the encoder); empty texts are zero.

    ``encoder``: a folder that ``transformers`` can load, or a name on its hub. ``prefix``: what the
    encoder wants before a text ("query: " for the E5 family). Vectors are means over the tokens,
    as sentence encoders are trained (Reimers and Gurevych, EMNLP 2019). Texts are taken in order
    of length, so that little padding is computed. ``progress`` is told how many of how many.

    Raises `MissingExtra` without the packages, `ValueError` for a folder that is none and a name
    that cannot be loaded.
    """
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtra(package, "transformers")
    # Imported here: no process that only serves may load PyTorch.
    import torch
    from transformers import AutoModel, AutoTokenizer

    if "/" in encoder.lstrip(".") and encoder[0] in "./" and not Path(encoder).is_dir():
        raise ValueError(f"encoder: {encoder} is no folder")
    try:
        tokenizer = AutoTokenizer.from_pretrained(encoder)
        model = AutoModel.from_pretrained(encoder, use_safetensors=True).eval()
    except (OSError, ValueError) as error:
        raise ValueError(f"encoder: {encoder} cannot be loaded: {error}") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    vectors = np.zeros((len(texts), int(model.config.hidden_size)), dtype=np.float32)
    order = [int(i) for i in np.argsort([len(text) for text in texts]) if texts[i].strip()]
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        tokens = tokenizer(
            [prefix + texts[i] for i in some],
            padding=True,
            truncation=True,
            max_length=max_tokens,
            return_tensors="pt",
        ).to(device)
        with torch.no_grad():
            states = model(**tokens).last_hidden_state
        there = tokens["attention_mask"][:, :, None]
        means = (states * there).sum(dim=1) / there.sum(dim=1)
        vectors[some] = torch.nn.functional.normalize(means, dim=1).cpu().numpy()
        if progress is not None:
            progress(start + len(some), len(order))
    return vectors
