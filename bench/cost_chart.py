"""The chart of what counting costs, as SVG: a bar a system, drawn from the result file alone."""

from collections.abc import Callable, Sequence
from html import escape

from bench.peers.result import CLEAN, Result, Row
from bench.peers.systems import FLOOR

WIDTH, LEFT, RIGHT, GAP = 960, 196, 72, 84
TOP, ROW, BAR = 76, 26, 16
EXACT, INEXACT, INK, QUIET = "#1769aa", "#b8c2cc", "#1c2733", "#5b6875"
_TEXT = "font-family=\"system-ui, -apple-system, 'Segoe UI', sans-serif\""


def chart(result: Result) -> str:
    """Two panels side by side, CPU seconds per million events and events a second, in the order of the table.

    A bar that would make all others small is cut, and says so by a gap; its label is its true value. The floors set no
    scale, since they keep nothing. Systems without figures are left out.
    """
    rows = [row for row in result.rows if row.events_per_second is not None]
    height = TOP + ROW * len(rows) + 40
    panel = (WIDTH - LEFT - RIGHT - GAP) / 2
    second = LEFT + panel + GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
            f'role="img" aria-label="What counting costs" {_TEXT}>',
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
            _text(LEFT, 30, "CPU seconds per million events", size=15, weight=600),
            _text(LEFT, 50, "less is better; Kafka's own are not in it", color=QUIET),
            _text(second, 30, "Events a second", size=15, weight=600),
            _text(second, 50, f"more is better; {result.machine.cores} cores", color=QUIET),
            *(_text(LEFT - 10, _middle(place), row.system, anchor="end") for place, row in enumerate(rows)),
            *_bars(rows, lambda row: row.cpu_seconds_per_million or 0.0, LEFT, panel, "{:,.1f}"),
            *_bars(rows, lambda row: row.events_per_second or 0, second, panel, "{:,.0f}"),
            *_legend(height - 16),
            "</svg>\n",
        ]
    )


def _bars(rows: Sequence[Row], figure: Callable[[Row], float], left: float, width: float, shape: str) -> Sequence[str]:
    values = [figure(row) for row in rows]
    full = _full([value for row, value in zip(rows, values, strict=True) if not row.system.startswith(FLOOR)] or values)
    drawn = []
    for place, (row, value) in enumerate(zip(rows, values, strict=True)):
        length = max(1.0, min(value / full, 1.0) * width)
        top = TOP + ROW * place
        color = EXACT if is_exact(row) else INEXACT
        drawn.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{BAR}" rx="2" fill="{color}"/>')
        if value > full:
            cut = left + width * 0.9
            drawn.append(f'<rect x="{cut:.1f}" y="{top - 1}" width="6" height="{BAR + 2}" fill="#ffffff"/>')
        drawn.append(_text(left + length + 6, _middle(place), shape.format(value)))
    return drawn


def is_exact(row: Row) -> bool:
    """Whether every count was right, and a SIGKILL changed none."""
    return row.wrong == 0 and row.killed == CLEAN


def _full(values: Sequence[float]) -> float:
    """The value of a bar of full length: a little beyond the greatest that is not more than twice the next."""
    left = sorted(values, reverse=True)
    while len(left) > 1 and left[0] > 2 * left[1]:
        left.pop(0)
    return left[0] * 1.15


def _legend(y: float) -> Sequence[str]:
    return [
        f'<rect x="{LEFT}" y="{y - 10}" width="12" height="12" rx="2" fill="{EXACT}"/>',
        _text(LEFT + 18, y, "exact, also after kill -9", color=QUIET),
        f'<rect x="{LEFT + 190}" y="{y - 10}" width="12" height="12" rx="2" fill="{INEXACT}"/>',
        _text(LEFT + 208, y, "counts duplicates, or keeps nothing", color=QUIET),
    ]


def _middle(place: int) -> float:
    return TOP + ROW * place + BAR - 4


def _text(
    x: float, y: float, text: str, *, size: int = 12, weight: int = 400, color: str = INK, anchor: str = "start"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" fill="{color}" '
        f'text-anchor="{anchor}">{escape(text, quote=False)}</text>'
    )
