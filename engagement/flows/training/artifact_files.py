"""
Model files: arrays and a manifest on Django's file storage, never code.

A model is one folder. Its arrays are written first, then the manifest that lists their SHA-256;
the manifest's own SHA-256 is kept in the database. So whatever was cut short, changed or taken
from elsewhere is recognised before it is used, and reading a model cannot run anything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from django.core.files import File
from django.core.files.storage import InvalidStorageError, Storage, storages
from numpy.typing import NDArray

from engagement.conf import app_settings

FORMAT = 1
MANIFEST = "manifest.json"
ROOT = "engagement-models"
CHUNK = 1 << 20
# Local copies that no process has opened for so long are removed.
FORGET_SECONDS = 7 * 86_400

Arrays = dict[str, NDArray[Any]]


class CorruptArtifact(Exception):
    """The model files are missing, cut short, changed, or not of this shop: the text says which."""


@dataclass(frozen=True, slots=True)
class Written:
    """What the database must know about written files."""

    manifest_sha256: str
    n_bytes: int


def storage() -> Storage:
    """Return the storage that ``ENGAGEMENT["STORAGE"]`` names, or the default one."""
    try:
        return storages[app_settings.STORAGE]
    except InvalidStorageError:
        return storages["default"]


# -- folders --------------------------------------------------------------------------------
def folder_of(channel: str, alias: str, name: str = "") -> str:
    return "/".join(filter(None, (ROOT, _safe(channel), _safe(alias), name)))


def _safe(name: str) -> str:
    """Return a folder name for any channel or alias; two different ones never share one."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        return name
    return "=" + hashlib.blake2b(name.encode(), digest_size=10).hexdigest()


def folders(channel: str, alias: str) -> list[str]:
    """Return all folders of models of an alias, complete or not."""
    parent = folder_of(channel, alias)
    try:
        names, _ = storage().listdir(parent)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(f"{parent}/{name}" for name in names if name)


def remove(folder: str) -> None:
    """Delete a model's files. The manifest goes first: what is left can be taken for nothing."""
    files = storage()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        _, names = files.listdir(folder)
        for name in sorted(names, key=lambda name: name != MANIFEST):
            files.delete(f"{folder}/{name}")
    with contextlib.suppress(OSError):
        files.delete(folder)


# -- writing --------------------------------------------------------------------------------
def write(folder: str, arrays: Arrays, facts: Mapping[str, Any]) -> Written:
    """Write ``arrays``, then a manifest with ``facts`` and their checksums."""
    files = storage()
    described = {}
    total = 0
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} holds numbers that are not finite; the training diverged")
        with tempfile.TemporaryFile() as temporary:
            np.save(temporary, array, allow_pickle=False)
            size = temporary.tell()
            digest = _digest(temporary)
            _save(files, f"{folder}/{name}.npy", temporary)
        described[name] = {"sha256": digest, "bytes": size}
        total += size
    manifest = {"format": FORMAT, **facts, "arrays": described}
    text = json.dumps(manifest, indent=1, sort_keys=True).encode()
    with tempfile.TemporaryFile() as temporary:
        temporary.write(text)
        _save(files, f"{folder}/{MANIFEST}", temporary)
    return Written(hashlib.sha256(text).hexdigest(), total + len(text))


def _save(files: Storage, name: str, content: IO[bytes]) -> None:
    content.seek(0)
    saved = files.save(name, File(content))
    if saved != name:
        files.delete(saved)
        raise FileExistsError(f"{name} exists already")


def _digest(content: IO[bytes]) -> str:
    content.seek(0)
    digest = hashlib.sha256()
    while chunk := content.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


# -- reading --------------------------------------------------------------------------------
def read(folder: str, manifest_sha256: str) -> tuple[dict[str, Any], Arrays]:
    """Return the facts and the arrays, mapped read-only; raises CorruptArtifact."""
    manifest = _read_manifest(folder, manifest_sha256)
    described = manifest.pop("arrays")
    if _is_local():
        for name, facts in described.items():
            _check(name, facts, partial(storage().open, f"{folder}/{name}.npy"))
    copy = _local_copy(folder, manifest_sha256, described)
    try:
        arrays = {
            # As plain arrays over the mapped memory: each slice of a memmap costs microseconds.
            name: np.asarray(np.load(copy / f"{name}.npy", mmap_mode="r", allow_pickle=False))
            for name in described
        }
    except (OSError, ValueError) as error:
        raise CorruptArtifact(f"an array cannot be read: {error}") from error
    return manifest, arrays


def _read_manifest(folder: str, manifest_sha256: str) -> dict[str, Any]:
    try:
        with storage().open(f"{folder}/{MANIFEST}") as file:
            text = file.read()
    except OSError as error:
        raise CorruptArtifact(f"{folder}/{MANIFEST} is missing") from error
    if hashlib.sha256(text).hexdigest() != manifest_sha256:
        raise CorruptArtifact(f"{folder}/{MANIFEST} is not the one that was stored")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT:
        raise CorruptArtifact(
            f"{folder} has format {manifest.get('format')}; this version reads {FORMAT}"
        )
    return manifest


def _check(name: str, facts: Mapping[str, Any], opened: Callable[[], Any]) -> None:
    try:
        with opened() as file:
            digest = _digest(file)
            size = file.tell()
    except OSError as error:
        raise CorruptArtifact(f"{name}.npy is missing") from error
    if size < facts["bytes"]:
        raise CorruptArtifact(f"{name}.npy is cut short: {size} of {facts['bytes']} bytes")
    if digest != facts["sha256"]:
        raise CorruptArtifact(f"{name}.npy has been changed since it was stored")


def _is_local() -> bool:
    try:
        storage().path(MANIFEST)
    except NotImplementedError:
        return False
    return True


# -- the copy that is mapped ----------------------------------------------------------------
def _local_copy(folder: str, sha256: str, described: Mapping[str, Any]) -> Path:
    """
    Return a folder on this machine with a verified copy of the arrays, shared by all processes.

    Never the storage's own files: one that is overwritten or cut short while it is mapped kills
    every process that reads it (SIGBUS). Remote storages are read once a machine.
    """
    root = _copies()
    copy = root / sha256
    if copy.is_dir():
        try:
            for name, facts in described.items():
                _check(name, facts, partial(open, copy / f"{name}.npy", "rb"))
        except CorruptArtifact:
            shutil.rmtree(copy, ignore_errors=True)
        else:
            os.utime(copy)
            return copy
    _forget_old(root)
    fresh = Path(tempfile.mkdtemp(prefix="partial-", dir=root))
    try:
        for name, facts in described.items():
            _fetch(f"{folder}/{name}.npy", fresh / f"{name}.npy")
            _check(name, facts, partial(open, fresh / f"{name}.npy", "rb"))
        with contextlib.suppress(OSError):
            # Another process may have been quicker; its copy is as good.
            fresh.rename(copy)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return copy


def _fetch(name: str, path: Path) -> None:
    try:
        with storage().open(name) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, CHUNK)
    except OSError as error:
        raise CorruptArtifact(f"{name} cannot be read: {error}") from error


def _copies() -> Path:
    """Return the folder of local copies; nobody else may write into it."""
    configured = app_settings.MODEL_COPIES
    if configured:
        path = Path(configured)
        path.mkdir(parents=True, exist_ok=True)
        return path
    owner = os.getuid() if hasattr(os, "getuid") else 0
    path = Path(tempfile.gettempdir()) / f"engagement-models-{owner}"
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if path.is_symlink() or (hasattr(os, "getuid") and status.st_uid != owner):
        raise PermissionError(f"{path} belongs to somebody else: set ENGAGEMENT['MODEL_COPIES']")
    return path


def scratch(name: str) -> Path:
    """
    Return a folder of this machine for work in progress that a killed process goes on with.

    Whoever made it removes it at the end; one that nobody has touched for a week goes by itself.
    """
    digest = hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
    folder = _copies() / f"scratch-{digest}"
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    return folder


def forget_copy(manifest_sha256: str) -> None:
    """Remove this machine's copy; whoever has it mapped keeps it until then."""
    shutil.rmtree(_copies() / manifest_sha256, ignore_errors=True)


def _forget_old(root: Path) -> None:
    for path in _old(root, time.time() - FORGET_SECONDS):
        shutil.rmtree(path, ignore_errors=True)


def _old(root: Path, before: float) -> Iterator[Path]:
    for path in root.iterdir():
        with contextlib.suppress(OSError):
            if path.is_dir() and path.stat().st_mtime < before:
                yield path
