"""`python -m bench.page`: the figures of docs/performance.md and its chart, from the result files."""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from bench.command_options import RESULTS
from bench.cost_chart import chart
from bench.peers.result import HEADINGS, RATIOS, Result, cells, ratios

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; end with 1 where a file is not what the results say.")
def main(check: bool) -> None:
    """Write the tables between the page's marks, and the chart, anew from the result files."""
    for path, text in made().items():
        if check and (not path.exists() or path.read_text() != text):
            sys.exit(f"{path.relative_to(ROOT)} is not what the results say: run `python -m bench.page`")
        if not check:
            path.write_text(text)


def made() -> dict[Path, str]:
    """What each file should hold."""
    page = PAGE.read_text()
    for name, section in SECTIONS.items():
        file = RESULTS / f"{name}.json"
        page = filled(page, name, section(file.read_bytes()) if file.exists() else "")
    files = {PAGE: page}
    peers = RESULTS / "peers.json"
    if peers.exists():
        files[CHART] = chart(msgspec.json.decode(peers.read_bytes(), type=Result))
    return files


def filled(page: str, name: str, section: str) -> str:
    """The page with the section between the marks of this name; raises ValueError where it has none."""
    marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not marks.search(page):
        raise ValueError(f"the page has no marks of {name}")
    body = section and f"\n{section.strip()}\n\n"
    return marks.sub(lambda found: found[1] + body + found[2], page)


def peers(content: bytes) -> str:
    """The table of all systems, and what ran."""
    result = msgspec.json.decode(content, type=Result)
    return "\n\n".join(
        [
            f"{result.events:,} events of {result.bytes_per_event} bytes, {result.duplicates:,} of them duplicates; "
            f"Kafka {result.kafka}; {_machine(msgspec.to_builtins(result.machine))}.",
            _command(result.command),
            markdown(HEADINGS, [cells(row) for row in result.rows], left=(0, len(HEADINGS) - 1)),
            "The same as ratios, to the floor and to ours of the same run:",
            markdown(RATIOS, [ratios(row) for row in result.rows if row.to_floor or row.to_ours], left=(0,)),
            "Versions: " + ", ".join(sorted({part for row in result.rows for part in row.version.split(", ")})) + ".",
        ]
    )


def city(content: bytes) -> str:
    """The seed case: what was counted, and what the two replays took."""
    result = msgspec.json.decode(content)
    headings = ("", "Events", "Seconds", "events/s", "CPU s per M", "Worker MB", "Differences")
    keys = ("events", "seconds", "events_per_second", "cpu_seconds_per_million", "worker_peak_mb", "differences")
    replays = (("first replay", result), ("second replay, all duplicates", result["second_replay"]))
    published = result["publishing"]
    rows = [
        ("publishing", *(shown(published.get(key, "–")) for key in keys)),
        *((name, *(shown(replay[key]) for key in keys)) for name, replay in replays),
    ]
    return "\n\n".join(
        [
            f"{result['dossiers']:,} dossiers, {result['online']:,} of them online, {result['resolved']:,} resolved, "
            f"{result['on_time']:,} on time; {_machine(result['machine'])}.",
            _command(result["command"]),
            markdown(headings, rows, left=(0,)),
        ]
    )


def plain(content: bytes) -> str:
    """A result with rows that all have the same keys: the keys are the headings."""
    result = msgspec.json.decode(content)
    rows: Sequence[dict[str, Any]] = result["rows"]
    headings = [key.replace("_", " ") for key in rows[0]]
    texts = [index for index, value in enumerate(rows[0].values()) if isinstance(value, str)]
    return "\n\n".join(
        [
            f"{_machine(result['machine'])}.",
            _command(result["command"]),
            markdown(headings, [[shown(value) for value in row.values()] for row in rows], left=texts),
        ]
    )


SECTIONS: dict[str, Callable[[bytes], str]] = {
    "peers": peers,
    "city": city,
    "freshness": plain,
    "growth": plain,
    "hot": plain,
    "wallboard": plain,
    "statements": plain,
    "reference": plain,
    "working_time": plain,
    "audit": plain,
}
"""The sections of the page by the names of their marks and result files; one that was not measured is empty."""


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]], left: Iterable[int] = ()) -> str:
    """A table; columns are of figures, but for those that are aligned left."""
    rules = ["---" if index in set(left) else "--:" for index in range(len(headings))]
    lines = (headings, rules, *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(value: object) -> str:
    """A figure as people read it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}" if 0 < abs(value) < 1 else f"{value:,.1f}"


def _command(command: str) -> str:
    return f"```\n.venv/bin/{command}\n```"


def _machine(machine: dict[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}, "
        f"Python {machine['python']}"
    )


if __name__ == "__main__":
    main()
