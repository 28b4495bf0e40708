"""`python -m tests.picture` writes docs/wallboard.svg: `dossier watch` as a terminal shows it."""

import io
import re
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme

from cli.wallboard import Reading, frame

FILE = Path(__file__).parents[1] / "docs" / "wallboard.svg"
SIZE = (102, 24)
"""One line a figure: the picture leaves room for the commands on the README's first screen."""
FIGURES: dict[str, Any] = {
    "overdue": 197,
    "overdue_trend": "▲ 193 (4)",
    "late": 47,
    "late_trend": "= 0 (47)",
    "overall_on_time_rate": 0.94932502596054,
    "overall_on_time_rate_trend": "▼ 4.0 điểm (98.9%)",
    "open": 1079,
    "open_trend": "▲ 342 (737)",
    "on_time": 3689,
    "on_time_trend": "▼ 112 (3,801)",
    "received": 4395,
    "received_trend": "▲ 308 (4,087)",
    "online_rate": 0.6511945392491467,
    "online_rate_trend": "▲ 0.5 điểm (64.7%)",
    "online_payment_rate": 0.6015482695810564,
    "online_payment_rate_trend": "▼ 0.6 điểm (60.8%)",
    "digitisation_rate": 0.5020089813282912,
    "digitisation_rate_trend": "▲ 0.5 điểm (49.7%)",
    "satisfaction_rate": 0.9530271398747391,
    "satisfaction_rate_trend": "▲ 1.0 điểm (94.3%)",
    "feedback_on_time_rate": 0.9594594594594594,
    "feedback_on_time_rate_trend": "▼ 0.9 điểm (96.8%)",
    "rule": "thời điểm / instant",
}
"""The row that `dossier watch --period month` read on 30 November 2026 from a database filled by the simulator.

`dossier simulate --history 2025-10-01..2026-11-30 --dossiers 60000 --late 0.012 --seed 766`, then live traffic.
"""
_DARK = TerminalTheme(
    background=(22, 27, 34),
    foreground=(214, 220, 228),
    normal=[(72, 79, 88), (200, 48, 44), (86, 194, 102), (227, 179, 65), *[(214, 220, 228)] * 3, (255, 255, 255)],
)
_FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
# A page that embeds the picture loads no fonts: the reader's own monospace font stands in for the one rich names.
_FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code, monospace", _FONTS
)


def picture() -> str:
    """The picture; the same frame always gives the same text."""
    console = Console(record=True, file=io.StringIO(), width=SIZE[0], height=SIZE[1], force_terminal=True)
    console.print(frame(Reading(FIGURES, age_seconds=1), "month", SIZE))
    drawn = console.export_svg(title="dossier watch", theme=_DARK, code_format=_FORMAT, unique_id="wallboard")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    FILE.write_text(picture())
