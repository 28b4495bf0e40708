"""Definitions of tables that a full disk left empty, and without which the engine would not start.

A refreshable view fills a new table each time, and exchanges it for the one before. Where a disk becomes full just
then, the file of the new table's definition can stay empty. Nothing is lost with such a table: its view fills it again,
once `dossier migrate` has made it anew.
"""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

_FILLED = re.compile(r"^REFRESH .* TO (?:[^\s.]+\.)?`?(?P<table>\w+)`?", re.MULTILINE)
_TEMPORARY = "%2Etmp%2E"
"""How the file name of a table begins that a view had not finished to fill; in it, a point is `%2E`."""


def remove_lost_definitions(data: Path) -> list[str]:
    """Remove empty definitions of what refreshable views fill in this data directory; returns the names of the tables.

    Those of other tables stay, and the engine names them: only a person knows what they held. The engine must not run.
    """
    found = list(_lost(data))
    for path in found:
        path.unlink()
        log.warning("the definition of table %s was lost on a full disk: `dossier migrate` makes it again", path.stem)
    return [path.stem for path in found]


def _lost(data: Path) -> Iterator[Path]:
    definitions = [path for path in sorted(data.glob("store/*/*/*.sql")) if path.is_file()]
    empty = [path for path in definitions if path.stat().st_size == 0]
    filled = {
        (path.parent, match["table"])
        for path in definitions
        if path.parent in {each.parent for each in empty}
        for match in _FILLED.finditer(path.read_text(errors="replace"))
    }
    yield from (path for path in empty if path.stem.startswith(_TEMPORARY) or (path.parent, path.stem) in filled)
