"""Small line charts as SVG: one axis of counts (logarithmic), one of values from zero, and a line for each series."""

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 340, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 26, 34, 40
COLOURS = ("#1d4ed8", "#b45309", "#047857")
TEXT = "#475569"
STEPS = (1, 2, 2.5, 5, 10)

Series = Mapping[str, Sequence[tuple[float, float]]]


def chart(title: str, across: str, series: Series) -> str:
    """Returns one chart, as a group of SVG elements."""
    points = [point for line in series.values() for point in line]
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    top = _ceiling(max(y for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        wide = math.log10(high / low) or 1.0
        across_at = LEFT + (WIDTH - LEFT - RIGHT) * math.log10(x / low) / wide
        return round(across_at, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / top, 1)

    parts = [
        _text(LEFT, 18, title, size=13, colour="#0f172a"),
        _text(WIDTH / 2 + 20, HEIGHT - 6, across, anchor="middle"),
    ]
    for part in range(5):
        value = top * part / 4
        _, y = place(low, value)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#e2e8f0"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{value:g}", anchor="end"))
    for x in sorted({x for x, _ in points}):
        parts.append(_text(place(x, 0)[0], HEIGHT - BOTTOM + 16, f"{x:,.0f}", anchor="middle"))
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(x, y) for x, y in sorted(line)]
        joined = " ".join(f"{x},{y}" for x, y in placed)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in placed]
        parts.append(_text(WIDTH - RIGHT - 80 * number, 18, name, anchor="end", colour=colour))
    return "\n".join(parts)


def figure(charts: Sequence[str], said: str) -> str:
    """Returns charts side by side, two in a row, as one SVG document; `said` is what it shows, in words."""
    rows = -(-len(charts) // 2)
    placed = [
        f'<g transform="translate({(number % 2) * WIDTH},{(number // 2) * HEIGHT})">\n{each}\n</g>'
        for number, each in enumerate(charts)
    ]
    size = f'width="{2 * WIDTH}" height="{rows * HEIGHT}" viewBox="0 0 {2 * WIDTH} {rows * HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif">'
    ground = f'<title>{escape(said)}</title>\n<rect width="100%" height="100%" fill="#ffffff"/>'
    return "\n".join([head, ground, *placed, "</svg>", ""])


def _ceiling(value: float) -> float:
    """Returns a round number that is not below the value."""
    if value <= 0:
        return 1.0
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in STEPS if step * power >= value * 0.999)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 11, colour: str = TEXT) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}" text-anchor="{anchor}">{escape(words)}</text>'
