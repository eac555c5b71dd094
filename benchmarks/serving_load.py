"""A production server under load: gunicorn, and a client that costs as little as Python can."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

AGENT = "Mozilla/5.0 (benchmark)"
CONSTANT = "/constant/"
SHELF = "/engagement/recommendations/home.for_you/?n=6"
# Both views are asked in turn, so that whatever else the machine does meets both.
ROUNDS, SECONDS = 7, 2.0
# Of the highest rate: below it queues do not grow without end.
SUSTAINED = 0.7


@contextlib.contextmanager
def gunicorn(
    workers: int, threads: int, cpus: Sequence[int] = (), **environment: str
) -> Iterator[tuple[int, int]]:
    """Run the shop; yield port and process id. ``cpus``: the cores that it may use."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "shop_demo.wsgi", f"--bind=127.0.0.1:{port}"]
    command += [f"--workers={workers}", f"--threads={threads}", "--worker-class=gthread"]
    command += ["--keep-alive=60", "--log-level=error"]
    server = subprocess.Popen(command, env={**os.environ, **environment})
    if cpus:
        os.sched_setaffinity(server.pid, cpus)
    try:
        wait_for(port)
        yield port, server.pid
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError("The server did not start")
        time.sleep(0.2)


def requests(path: str, cookies: Sequence[str]) -> list[bytes]:
    """Return a request for each visitor, as the bytes that go out."""
    return [
        (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n"
            f"User-Agent: {AGENT}\r\nAccept: application/json\r\n\r\n"
        ).encode()
        for cookie in cookies
    ]


class _Line:
    """One connection that stays open."""

    async def open(self, port: int) -> _Line:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    async def ask(self, request: bytes) -> None:
        self.writer.write(request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        body = await self.reader.readexactly(int(lower[start : lower.index(b"\r", start)]))
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head!r} {body[:300]!r}")

    def close(self) -> None:
        self.writer.close()


async def at_full_speed(port: int, asked: list[bytes], seconds: float, lines: int) -> list[float]:
    """Ask as fast as the answers come over some connections; return milliseconds of each answer."""
    until = time.perf_counter() + seconds
    taken: list[float] = []

    async def go_on(number: int) -> None:
        line = await _Line().open(port)
        while time.perf_counter() < until:
            started = time.perf_counter()
            await line.ask(asked[number % len(asked)])
            taken.append((time.perf_counter() - started) * 1000)
            number += lines
        line.close()

    await asyncio.gather(*(go_on(number) for number in range(lines)))
    return taken


async def at_a_rate(
    port: int, asked: list[bytes], seconds: float, lines: int, rate: float
) -> list[float]:
    """
    Ask ``rate`` times a second, whether or not answers have come.

    Milliseconds count from when a question was due: a server that stalls is not let off.
    """
    free: asyncio.Queue[_Line] = asyncio.Queue()
    for _ in range(lines):
        free.put_nowait(await _Line().open(port))
    taken: list[float] = []

    async def ask(due: float, request: bytes) -> None:
        line = await free.get()
        await line.ask(request)
        free.put_nowait(line)
        taken.append((time.perf_counter() - due) * 1000)

    started = time.perf_counter()
    waiting = []
    for number in range(int(rate * seconds)):
        due = started + number / rate
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        waiting.append(asyncio.create_task(ask(due, asked[number % len(asked)])))
    await asyncio.gather(*waiting)
    while not free.empty():
        free.get_nowait().close()
    return taken


def ratio(port: int, server: int, cookies: Sequence[str], lines: int) -> dict[str, float]:
    """
    Return how many answers a second the shelf reaches beside the constant, asked in turn.

    ``…_cpu_ms`` is what the server's own process works on an answer: it tells the two views apart
    on a machine that is busy with other things, too.
    """
    asked = {path: requests(path, cookies) for path in (CONSTANT, SHELF)}
    rates: dict[str, list[float]] = {CONSTANT: [], SHELF: []}
    worked: dict[str, list[float]] = {CONSTANT: [], SHELF: []}
    for path in asked:
        asyncio.run(at_full_speed(port, asked[path], 1.0, lines))
    for _ in range(ROUNDS):
        for path in asked:
            before = cpu_ms(server)
            n = len(asyncio.run(at_full_speed(port, asked[path], SECONDS, lines)))
            rates[path].append(n / SECONDS)
            worked[path].append((cpu_ms(server) - before) / n)
    pairs = list(zip(rates[SHELF], rates[CONSTANT], strict=True))
    return {
        "constant": round(statistics.median(rates[CONSTANT])),
        "recommendations": round(statistics.median(rates[SHELF])),
        "ratio": round(statistics.median(shelf / plain for shelf, plain in pairs), 2),
        "constant_cpu_ms": round(statistics.median(worked[CONSTANT]), 2),
        "recommendations_cpu_ms": round(statistics.median(worked[SHELF]), 2),
    }


def under_load(port: int, cookies: Sequence[str], lines: int, seconds: float) -> dict[str, float]:
    """Return the highest rate, and how long answers take at the rate that can be sustained."""
    asked = requests(SHELF, cookies)
    asyncio.run(at_full_speed(port, asked, 1.0, lines))
    highest = len(asyncio.run(at_full_speed(port, asked, seconds, lines))) / seconds
    rate = SUSTAINED * highest
    taken = asyncio.run(at_a_rate(port, asked, seconds, 4 * lines, rate))
    cuts = statistics.quantiles(taken, n=100)
    return {
        "highest_per_second": round(highest),
        "asked_per_second": round(rate),
        "p50_ms": round(cuts[49], 2),
        "p90_ms": round(cuts[89], 2),
        "p99_ms": round(cuts[98], 2),
    }


def cpu_ms(parent: int) -> float:
    """Return how long the server's processes have worked so far."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        return 0.0
    ticks = 0
    for child in children.read_text().split():
        # What follows the name, which may hold spaces: user and system time are 14th and 15th.
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def memory(parent: int) -> dict[str, float]:
    """Return megabytes of the worker: all that is resident, and what is not shared with files."""
    children = Path(f"/proc/{parent}/task/{parent}/children")
    if not children.exists():
        return {}
    worker = children.read_text().split()[0]
    lines = Path(f"/proc/{worker}/status").read_text().splitlines()
    sizes = {
        line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "Rss"))
    }
    return {
        "resident": round(int(sizes["VmRSS"]) / 1024, 1),
        "private": round(int(sizes["RssAnon"]) / 1024, 1),
    }
