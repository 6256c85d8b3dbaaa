"""Small curves, drawn here as SVG: pages need no chart library for a trend."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 160, 32, 3
_SVG = Markup(
    '<svg class="sparkline" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">'
    '<title>{}</title><path class="base" d="{}"/><path d="{}"/>{}</svg>'
)
_POINT = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="1.6"/>')


def sparkline(values: Sequence[float | None], *, label: str, top: float = 0.0) -> Markup:
    """Returns a curve from zero to `top`, or the largest value; no value is a gap, and the newest one is marked.

    A single value is no curve.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    top = top or max(known) or 1.0
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    points = [
        None if value is None else (EDGE + index * step, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * value / top)
        for index, value in enumerate(values)
    ]
    last = [point for point in points if point is not None][-1]
    base = f"M{EDGE} {HEIGHT - EDGE}H{WIDTH - EDGE}"
    return _SVG.format(WIDTH, HEIGHT, label, label, base, " ".join(_path(points)), _POINT.format(*last))


def _path(points: Sequence[tuple[float, float] | None]) -> Iterator[str]:
    is_drawing = False
    for point in points:
        if point is not None:
            yield f"{'L' if is_drawing else 'M'}{point[0]:.1f} {point[1]:.1f}"
        is_drawing = point is not None
