"""
Three pictures as SVG, without a package: values with their intervals, lines over magnitudes, and
curves of what adds up.

Both carry their figures as text for readers who cannot see them, and follow the reader's dark mode.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 760
STYLE = """
text{font:13px system-ui,sans-serif;fill:#1f2328}
.title{font-size:16px;font-weight:600}
.quiet{fill:#59636e;font-size:12px}
.paper{fill:#fff}
.grid{stroke:#d1d9e0;stroke-width:1}
.mark{fill:#0b5fad;stroke:#0b5fad}
.other{fill:#9a3d00;stroke:#9a3d00}
.line{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){
text{fill:#f0f6fc}.quiet{fill:#9198a1}.paper{fill:#0d1117}.grid{stroke:#3d444d}
.mark{fill:#6cb6ff;stroke:#6cb6ff}.other{fill:#f0883e;stroke:#f0883e}}
"""
# Told apart without colour: a dash pattern and a shape each.
DASHES = ("", "7 4", "2 4", "9 3 2 3", "14 4", "4 2 1 2")


@dataclass(frozen=True, slots=True)
class Mark:
    """One value with its interval; ``is_baseline``: what the others have to beat."""

    name: str
    value: float
    low: float
    high: float
    is_baseline: bool = False


def intervals(title: str, panels: Mapping[str, Sequence[Mark]]) -> str:
    """Return one panel below the other, each a row a mark, the best on top."""
    row, gap, left, right = 26, 44, 230, 70
    height = 46 + sum(gap + row * len(marks) + 18 for marks in panels.values())
    parts: list[str] = []
    said = []
    top = 46
    for heading, marks in panels.items():
        most = max((mark.high for mark in marks), default=0.0) or 1.0
        step = _step(most)
        scale = (WIDTH - left - right) / (math.ceil(most / step) * step)
        parts.append(_text(12, top + 14, heading))
        bottom = top + gap - 16 + row * len(marks)
        for tick in range(math.ceil(most / step) + 1):
            x = left + tick * step * scale
            parts.append(_line(x, top + 24, x, bottom, "grid"))
            parts.append(_text(x, bottom + 14, f"{tick * step:.3g}", "quiet", "middle"))
        for place, mark in enumerate(sorted(marks, key=lambda one: -one.value)):
            y = top + gap - 6 + row * place
            kind = "other" if mark.is_baseline else "mark"
            low, high = (left + max(value, 0.0) * scale for value in (mark.low, mark.high))
            parts.append(_text(left - 12, y + 4, mark.name, anchor="end"))
            parts.append(_line(low, y, high, y, kind, 2))
            parts.append(_shape(left + mark.value * scale, y, kind, square=mark.is_baseline))
            parts.append(_text(WIDTH - 10, y + 4, f"{mark.value:.4f}", "quiet", "end"))
            said.append(
                f"{heading}, {mark.name}: {mark.value:.4f}, {mark.low:.4f} to {mark.high:.4f}."
            )
        top = bottom + 34
    return _svg(title, " ".join(said), parts, height)


def lines(
    title: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    x_label: str,
    y_label: str,
) -> str:
    """Return lines over two logarithmic axes, each named where it ends."""
    left, right, top, height = 76, 190, 56, 420
    points = [point for values in series.values() for point in values if min(point) > 0]
    if not points:
        return _svg(title, "", [], height)
    x_low, x_high = _decades([x for x, _ in points])
    y_low, y_high = _decades([y for _, y in points])
    wide, high = WIDTH - left - right, height - top - 56

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + wide * (math.log10(x) - x_low) / (x_high - x_low),
            top + high * (1 - (math.log10(y) - y_low) / (y_high - y_low)),
        )

    parts = [
        _text(left, top - 10, y_label, "quiet"),
        _text(left + wide, height - 12, x_label, "quiet", "end"),
    ]
    for power in range(x_low, x_high + 1):
        x, _ = place(10.0**power, 10.0**y_low)
        parts.append(_line(x, top, x, top + high, "grid"))
        parts.append(_text(x, top + high + 18, _magnitude(10.0**power), "quiet", "middle"))
    for power in range(y_low, y_high + 1):
        _, y = place(10.0**x_low, 10.0**power)
        parts.append(_line(left, y, left + wide, y, "grid"))
        parts.append(_text(left - 8, y + 4, _magnitude(10.0**power), "quiet", "end"))
    ends = []
    for number, (name, values) in enumerate(series.items()):
        drawn = [place(x, y) for x, y in values if min(x, y) > 0]
        kind = ("mark", "other")[number % 2]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        dashes = DASHES[number % len(DASHES)]
        parts.append(
            f'<polyline class="line {kind}" style="fill:none" points="{path}" '
            f'stroke-dasharray="{dashes}"/>'
        )
        parts += [_shape(x, y, kind, square=bool(number % 2)) for x, y in drawn]
        ends.append((drawn[-1], name))
    for x, y, name in _apart(ends):
        parts.append(_text(x + 10, y + 4, name))
    said = " ".join(
        f"{name}: " + ", ".join(f"{y:.4g} at {x:,.0f}" for x, y in values) + "."
        for name, values in series.items()
    )
    return _svg(title, said, parts, height)


def curves(
    title: str,
    series: Mapping[str, Sequence[float]],
    *,
    x_label: str,
    y_label: str,
    n_points: int = 160,
) -> str:
    """Return curves over 1, 2, 3 … on plain axes, each named where it ends; 0 is always there."""
    left, right, top, height = 76, 190, 56, 420
    n = max((len(values) for values in series.values()), default=0)
    if not n:
        return _svg(title, "", [], height)
    every = [value for values in series.values() for value in values]
    step = _step(max(max(every), -min(every), 1e-9))
    low, high = math.floor(min(0.0, min(every)) / step), math.ceil(max(0.0, max(every)) / step)
    wide, deep = WIDTH - left - right, height - top - 56

    def place(x: float, y: float) -> tuple[float, float]:
        return left + wide * x / n, top + deep * (high - y / step) / max(high - low, 1)

    parts = [
        _text(left, top - 10, y_label, "quiet"),
        _text(left + wide, height - 12, x_label, "quiet", "end"),
    ]
    for tick in range(low, high + 1):
        _, y = place(0, tick * step)
        parts.append(_line(left, y, left + wide, y, "grid"))
        parts.append(_text(left - 8, y + 4, f"{tick * step:g}", "quiet", "end"))
    across = _step(n)
    for tick in range(int(n // across) + 1):
        x, _ = place(tick * across, 0)
        parts.append(_text(x, top + deep + 18, f"{tick * across:,.0f}", "quiet", "middle"))
    ends = []
    for number, (name, values) in enumerate(series.items()):
        picked = sorted({*range(0, len(values), max(len(values) // n_points, 1)), len(values) - 1})
        drawn = [place(i + 1, values[i]) for i in picked]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in drawn)
        kind = ("mark", "other")[number % 2]
        parts.append(
            f'<polyline class="line {kind}" style="fill:none" points="{path}" '
            f'stroke-dasharray="{DASHES[number % len(DASHES)]}"/>'
        )
        ends.append((drawn[-1], name))
    parts += [_text(x + 10, y + 4, name) for x, y, name in _apart(ends)]
    said = " ".join(f"{name}: {values[-1]:.4g} after {n:,}." for name, values in series.items())
    return _svg(title, said, parts, height)


def _svg(title: str, said: str, parts: Sequence[str], height: float) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}">\n<title>{escape(title)}</title>\n'
        f"<desc>{escape(said)}</desc>\n<style>{STYLE}</style>\n"
        f'<rect class="paper" width="100%" height="100%"/>\n'
        f"{_text(12, 26, title, 'title')}\n{body}\n</svg>\n"
    )


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}" '
        f'stroke-width="{width}"/>'
    )


def _shape(x: float, y: float, kind: str, *, square: bool) -> str:
    if square:
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" class="{kind}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" class="{kind}"/>'


def _step(most: float) -> float:
    """Return a round distance between ticks, of which four to eight fit into ``most``."""
    rough = most / 5
    power = 10.0 ** math.floor(math.log10(rough))
    return float(min((1, 2, 5, 10), key=lambda one: abs(one * power - rough)) * power)


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _magnitude(value: float) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g} {letter}"
    return f"{value:g}"


def _apart(
    ends: Sequence[tuple[tuple[float, float], str]],
) -> Iterator[tuple[float, float, str]]:
    """Yield labels so far apart that none covers another."""
    free = -math.inf
    for (x, y), name in sorted(ends, key=lambda one: one[0][1]):
        y = max(y, free)
        yield x, y, name
        free = y + 16
