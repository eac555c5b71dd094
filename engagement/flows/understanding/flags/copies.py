"""
Texts that others have written before in almost the same words, found among all reviews.

A text's MinHash signature is cut into bands; two texts that share a band are compared. With eight
bands of four numbers, texts that are 80 % alike are found in 98 of 100 cases, texts that are 30 %
alike are looked at in 6 of 100 and let go (Leskovec et al., Mining of Massive Datasets, ch. 3).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction

from engagement.flows.understanding.flags.base import Flag, Subject
from engagement.learning.sentiment import text as texts
from engagement.learning.sentiment.duplicates import Signatures
from engagement.models import Post, ReasonCode, Review, SubjectKind, TextBand

BANDS = 8
ROWS = 4
ALIKE = 0.7
# Of texts that very many people have written, some are enough to say so.
MAX_CANDIDATES = 40
CHUNK = 400

Name = tuple[str, str]


def remember(subjects: Sequence[Subject], signatures: Signatures) -> None:
    """Keep the bands of these texts instead of those that their earlier versions had."""
    rows = []
    for subject, signature in zip(subjects, signatures, strict=True):
        rows += [
            TextBand(
                channel=subject.channel,
                band=band,
                subject_kind=subject.kind,
                subject_key=subject.key,
                author=subject.author,
                written_at=subject.written_at,
            )
            for band in bands(signature)
        ]
    with transaction.atomic():
        for kind in sorted({subject.kind for subject in subjects}):
            keys = [subject.key for subject in subjects if subject.kind == kind]
            TextBand.objects.filter(subject_kind=kind, subject_key__in=keys).delete()
        TextBand.objects.bulk_create(rows, batch_size=CHUNK)


def drop(kind: str, keys: Iterable[str]) -> None:
    """Drop the bands of subjects that are gone."""
    gone = list(keys)
    for start in range(0, len(gone), CHUNK):
        TextBand.objects.filter(
            subject_kind=kind, subject_key__in=gone[start : start + CHUNK]
        ).delete()


def bands(signature: Signatures) -> list[int]:
    """Return the numbers of a signature's bands; none for a text that is too short."""
    row = np.asarray(signature, dtype=np.uint32)
    if not row.any():
        return []
    found = []
    for band in range(BANDS):
        part = row[band * ROWS : (band + 1) * ROWS]
        digest = hashlib.blake2b(part.tobytes(), digest_size=8, salt=bytes([band])).digest()
        found.append(int.from_bytes(digest, "big", signed=True))
    return found


def find(subjects: Sequence[Subject], signatures: Signatures) -> dict[Name, list[Flag]]:
    """Return flags by subject, for those whose words somebody has used before them."""
    of_subject = {
        (subject.kind, subject.key): bands(signature)
        for subject, signature in zip(subjects, signatures, strict=True)
    }
    sharing = _sharing(subjects, {band for own in of_subject.values() for band in own})
    candidates: dict[Name, list[TextBand]] = {}
    for subject in subjects:
        name = (subject.kind, subject.key)
        seen: dict[Name, TextBand] = {}
        for band in of_subject[name]:
            for row in sharing.get((subject.channel, band), ()):
                other = (row.subject_kind, row.subject_key)
                if other != name and (row.written_at, *other) < (subject.written_at, *name):
                    seen.setdefault(other, row)
        candidates[name] = list(seen.values())[:MAX_CANDIDATES]
    known = _texts({(r.subject_kind, r.subject_key) for rows in candidates.values() for r in rows})
    measured = dict(zip(known, texts.signatures(list(known.values())), strict=True))
    flags: dict[Name, list[Flag]] = {}
    for subject, signature in zip(subjects, signatures, strict=True):
        name = (subject.kind, subject.key)
        found = _copied(subject, signature, candidates[name], measured)
        if found is not None:
            flags[name] = [found]
    return flags


def _sharing(
    subjects: Sequence[Subject], wanted: set[int]
) -> dict[tuple[str, int], list[TextBand]]:
    channels = sorted({subject.channel for subject in subjects})
    found: dict[tuple[str, int], list[TextBand]] = defaultdict(list)
    ordered = sorted(wanted)
    for start in range(0, len(ordered), CHUNK):
        rows = TextBand.objects.filter(
            channel__in=channels, band__in=ordered[start : start + CHUNK]
        )
        for row in rows.order_by("written_at", "pk"):
            same = found[row.channel, row.band]
            if len(same) < MAX_CANDIDATES:
                same.append(row)
    return found


def _texts(names: set[Name]) -> dict[Name, str]:
    """Return the words of other subjects; what the shop keeps itself cannot be read here."""
    found: dict[Name, str] = {}
    for kind, model in ((SubjectKind.REVIEW, Review), (SubjectKind.POST, Post)):
        keys = sorted(key for of, key in names if of == kind)
        for start in range(0, len(keys), CHUNK):
            rows = model.objects.filter(key__in=keys[start : start + CHUNK])
            found |= {(kind.value, str(row.key)): row.text for row in rows}
    return found


def _copied(
    subject: Subject,
    signature: Signatures,
    candidates: Sequence[TextBand],
    measured: Mapping[Name, Signatures],
) -> Flag | None:
    alike: list[tuple[float, TextBand]] = []
    for row in candidates:
        other = measured.get((row.subject_kind, row.subject_key))
        similarity = 0.0 if other is None else texts.similarity(signature, other)
        if similarity >= ALIKE:
            alike.append((similarity, row))
    if not alike:
        return None
    others = [pair for pair in alike if not subject.author or pair[1].author != subject.author]
    is_own = not others
    told = sorted(others or alike, key=lambda pair: (-pair[0], pair[1].pk))[:5]
    return Flag(
        ReasonCode.DUPLICATE,
        "copied_own" if is_own else "copied",
        # Somebody who writes the same about two shirts of one kind may well mean it.
        told[0][0] * (0.6 if is_own else 1.0),
        ((0, len(subject.text)),),
        {"like": [row.subject_key for _, row in told], "alike": round(told[0][0], 2)},
    )
