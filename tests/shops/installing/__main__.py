from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.shops.installing import page
from tests.shops.installing.project import Project
from tests.shops.installing.walk import Walk

SHOPS = ("minioscar", "forkoscar", "overridden")
# What a small shop on Oscar needs beside it; the shop's choice, and so not in our extra.
OF_THE_SHOP = ["django>=5.2,<5.3", "easy-thumbnails", "Whoosh>=2.7,<2.8"]


def main() -> None:
    parser = argparse.ArgumentParser(description=sys.modules["tests.shops.installing"].__doc__)
    parser.add_argument(
        "--environment", type=Path, help="where to make the environment, and keep it"
    )
    parser.add_argument("--shop", choices=SHOPS, action="append", help="default: all of them")
    parser.add_argument("--screenshots", type=Path, help="a folder that keeps what Chromium saw")
    options = parser.parse_args()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="engagement-installing-"))

    def step(text: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {text}", flush=True)

    try:
        steps = page.read()
        python = environment(options.environment or folder / "environment", folder, steps, step)
        for shop in options.shop or SHOPS:
            walk(folder / shop, python, shop, steps, options.screenshots, step)
        step("done")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(where: Path, folder: Path, steps: page.Steps, step) -> Path:
    """Return the Python of an environment with the wheel and Oscar; nothing else of ours."""
    python = where / "bin" / "python"
    if not python.exists():
        step("wheel")
        run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), cwd=page.ROOT)
        (wheel,) = folder.glob("*.whl")
        step("fresh environment")
        run(sys.executable, "-m", "venv", str(where))
        typed = steps.install.replace("django-engagement", str(wheel))
        assert typed == f'pip install "{wheel}[oscar]"', steps.install
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input"]
        run(*pip, f"{wheel}[oscar]", *OF_THE_SHOP)
    return python


def walk(folder: Path, python: Path, shop: str, steps: page.Steps, pictures, step) -> None:
    folder.mkdir()
    project = Project(folder, python, shop)
    step(f"{shop}: a shop before")
    project.make(migrations=shop == "minioscar")
    tables = project.tables()
    step(f"{shop}: what docs/install-oscar.md says")
    project.install(steps)
    place = project.where_from()
    assert "site-packages" in place, place
    assert project.tables() == tables, "the app has changed the shop's own tables"
    assert "Nothing is missing" in project.manage("engagement_install")
    with project.served() as url:
        step(f"{shop}: a guest and a customer")
        there = Walk(project, url)
        there.guest()
        there.customer()
        there.offer()
        there.card()
        browse(project, url, there, pictures, step)
    step(f"{shop}: engagement_check")
    print(project.manage("engagement_check", may_fail=True))
    if shop == "minioscar":
        step(f"{shop}: taken out again")
        project.take_out()
        with project.served() as url:
            there.url = url
            there.without()
        assert project.tables() == tables


def browse(project: Project, url: str, there: Walk, pictures: Path | None, step) -> None:
    from tests.shops.installing import browser

    if not browser.is_there():
        print("no Chromium here: pages are not looked at", flush=True)
        return
    step(f"{project.shop}: Chromium")
    browser.look(project, url, there, pictures)


def run(*command: str, **options) -> None:
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=quiet, **options
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
