"""A policy from its dotted path, and its state as bytes: data, and nothing that could run."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from engagement.learning.bandits import Policy, State
from engagement.models import PolicyState, PolicyVersion

# No offer, which is always an arm.
NOTHING = ""


class CannotBuild(ValueError):
    """There is no such policy, or it does not take these options; the message says which."""


class Corrupt(ValueError):
    """The stored arrays are not those that were stored."""


def build(backend: str, options: Mapping[str, Any] | None = None) -> Policy:
    """Return the policy; raises CannotBuild."""
    try:
        found = import_string(backend)
    except (ImportError, TypeError, AttributeError) as error:
        raise CannotBuild(str(error)) from error
    if not (isinstance(found, type) and issubclass(found, Policy)):
        raise CannotBuild(_("%(name)s is not a policy") % {"name": backend})
    try:
        policy = found(**(options or {}))
    except Exception as error:
        raise CannotBuild(f"{backend}: {error}") from error
    return policy


def takes_money(policy: Policy) -> bool:
    """Return whether rewards may be any amount, not only from 0 to 1."""
    return bool(policy.takes_money)


def pack(state: State) -> tuple[bytes, str]:
    """Return the arrays as bytes, and their SHA-256."""
    for name, array in state.items():
        if array.dtype.hasobject:
            raise ValueError(f"{name} holds objects, which would have to be pickled")
    file = io.BytesIO()
    arrays: dict[str, Any] = dict(state)
    np.savez_compressed(file, **arrays)
    data = file.getvalue()
    return data, hashlib.sha256(data).hexdigest()


def unpack(data: bytes, sha256: str) -> State:
    """Return the arrays; raises Corrupt."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Corrupt(_("The arrays of the policy are not those that were stored."))
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def widened(policy: Policy, state: State, n_arms: int, n_features: int) -> State:
    """Return the state with room for ``n_arms``."""
    return state if policy.n_arms(state) == n_arms else policy.widen(state, n_arms, n_features)


def with_arms(known: Sequence[str], met: Sequence[str]) -> list[str]:
    """Return the known arms and, at the end, those that are new, in the order they were met."""
    return list(dict.fromkeys([*known, *met]))


def stored(row: PolicyState) -> State:
    """Return the arrays of a row; raises Corrupt, also where its features are not the version's."""
    if list(row.features) != list(row.version.features):
        raise Corrupt(_("The state was learnt from other features."))
    return unpack(bytes(row.arrays), row.sha256)


def of(version: PolicyVersion) -> Policy:
    """Return the policy that a row describes; raises CannotBuild."""
    return build(version.backend, version.options)
