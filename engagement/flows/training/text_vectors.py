"""Vectors of the catalogue's texts, made once: a text that did not change is not read again."""

from __future__ import annotations

import io
from collections.abc import Sequence
from hashlib import blake2b, sha256
from zipfile import BadZipFile

import numpy as np
from django.core.files.base import ContentFile
from numpy.typing import NDArray

from engagement.conf import app_settings
from engagement.flows import faults
from engagement.flows.training.artifact_files import storage
from engagement.learning.interactions import Float32
from engagement.learning.recommenders.embedding import embed


def vectors_of(texts: Sequence[str]) -> Float32 | None:
    """
    Return one vector a text from ``TEXT_ENCODER``; None without that setting, or where it fails.

    What was made before lies in the storage of models, one file an encoder; vectors of texts that
    are gone are dropped from it. A failure is told in the log and costs the vectors, not the model.
    """
    encoder: str = app_settings.TEXT_ENCODER
    if not encoder or not any(text.strip() for text in texts):
        return None
    try:
        return _vectors(texts, encoder)
    except Exception as error:
        faults.report("text-encoder", "texts were compared by words alone: %s", error)
        return None


def _vectors(texts: Sequence[str], encoder: str) -> Float32:
    name = f"embeddings/{sha256(encoder.encode()).hexdigest()[:16]}.npz"
    wanted = np.array([_digest(text) for text in texts], dtype=np.uint64)
    known, kept = _read(name)
    places = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
    found = known[places] == wanted if len(known) else np.zeros(len(wanted), dtype=bool)
    _, new = np.unique(wanted[~found], return_index=True)
    new = np.flatnonzero(~found)[new]
    if len(new):
        made = embed([texts[i] for i in new], encoder=encoder).astype(np.float16)
        still = np.isin(known, wanted)
        known = np.concatenate([known[still], wanted[new]])
        kept = np.concatenate([kept[still], made]) if still.any() else made
        order = np.argsort(known)
        known, kept = known[order], kept[order]
        _write(name, known, kept)
    return np.asarray(kept[np.searchsorted(known, wanted)], dtype=np.float32)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def _read(name: str) -> tuple[NDArray[np.uint64], NDArray[np.float16]]:
    if storage().exists(name):
        try:
            with storage().open(name) as file, np.load(file, allow_pickle=False) as arrays:
                return arrays["texts"], arrays["vectors"]
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            # A file cut short is made anew: it holds nothing that cannot be computed.
            faults.report("text-vectors", "%s could not be read: %s", name, error)
    return np.empty(0, dtype=np.uint64), np.empty((0, 0), dtype=np.float16)


def _write(name: str, known: NDArray[np.uint64], kept: NDArray[np.float16]) -> None:
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, texts=known, vectors=kept)
    if storage().exists(name):
        storage().delete(name)
    storage().save(name, ContentFile(content.getvalue()))
