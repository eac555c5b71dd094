"""
A stored classifier in a process of its own, as a worker has it: ``read(model, texts)``.

The child holds what a worker of the demonstration shop holds (Django, Celery, the app's tasks),
maps the model's arrays from files, as the app does, and reads. Nothing that was needed to learn is
in its memory.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import numpy as np

from benchmarks.measures import ROOT, peak_memory
from engagement.learning.sentiment.base import Classifier, build

MODEL, TEXTS = "model.json", "texts.json"
SHOP = "shop_demo.settings"
MB = 1e6
LIBRARIES = (
    "onnxruntime",
    "torch",
    "transformers",
    "sklearn",
    "pandas",
    "vaderSentiment",
    "py3langid",
)


def read(model: Classifier, texts: Sequence[str]) -> dict[str, float]:
    """
    Return what it costs another process to read ``texts``: texts a second of processor time and of
    the clock, seconds until the first text is read, and megabytes: of the model's arrays, before
    any model was loaded (``bare_mb``) and at most (``peak_mb``).
    """
    arrays = model.get_arrays()
    backend = f"{type(model).__module__}.{type(model).__name__}"
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        for name, array in arrays.items():
            np.save(where / f"{quote(name, safe='')}.npy", array)
        spec = {"BACKEND": backend, "OPTIONS": model.get_options()}
        (where / MODEL).write_text(json.dumps(spec))
        (where / TEXTS).write_text(json.dumps(list(texts)))
        answer = subprocess.run(
            [sys.executable, "-m", "benchmarks.sentiment_reading", folder],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": SHOP},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    size = sum(array.nbytes for array in arrays.values()) / MB
    return {"model_mb": size, **json.loads(answer.stdout.splitlines()[-1])}


def worker(folder: Path) -> dict[str, Any]:
    import django

    django.setup()
    import tasks.celery
    from engagement import tasks as _tasks

    assert tasks.celery
    assert _tasks
    bare = peak_memory()
    since = time.process_time()
    model = build(json.loads((folder / MODEL).read_text()))
    model.set_arrays(
        {unquote(path.stem): np.load(path, mmap_mode="r") for path in folder.glob("*.npy")}
    )
    texts = json.loads((folder / TEXTS).read_text())
    model.predict_proba(texts[:1])
    loaded, clock = time.process_time(), time.perf_counter()
    # As the backlog is read: a batch at a time, whatever comes.
    for start in range(0, len(texts), 200):
        model.predict_proba(texts[start : start + 200])
    return {
        "n": len(texts),
        "texts_per_cpu_s": len(texts) / (time.process_time() - loaded),
        "texts_per_s": len(texts) / (time.perf_counter() - clock),
        "first_text_s": loaded - since,
        "bare_mb": bare / MB,
        "peak_mb": peak_memory() / MB,
        "libraries": [name for name in LIBRARIES if name in sys.modules],
    }


if __name__ == "__main__":
    print(json.dumps(worker(Path(sys.argv[1]))))
