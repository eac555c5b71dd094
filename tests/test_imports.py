"""Imports go one way; the layers stand in pyproject.toml."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.services
def test_imports_go_one_way():
    code = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    linted = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_process_that_only_serves_holds_no_library_that_only_learning_needs():
    learning = ["sklearn", "pandas", "pyarrow", "datasketch", "torch"]
    learning += ["scipy.stats", "scipy.optimize"]
    code = (
        "import sys, django; django.setup(); import engagement.tasks, engagement.urls;"
        f"print([name for name in {learning} if name in sys.modules])"
    )
    started = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert started.stdout.strip() == "[]", started.stdout + started.stderr
