"""Reads the parts of a workbook that its sheets need: their paths, shared texts, and which styles show dates.

A small ZIP can expand to more XML than fits into memory. So each part is limited by the size that the archive declares,
which it cannot exceed, and by how much of it is kept.
"""

import posixpath
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import IO, Literal, NamedTuple, TypeAlias
from zipfile import ZipFile

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_datetime, is_timedelta_format
from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH

from connectors.files.xml_stream import Tag, UnsafeXml, XmlStream, tags_of

MAX_SHEET = 4 * 1024**3
MAX_TEXTS = 256 * 1024**2
MAX_SHARED = 10_000_000
MAX_PART = 32 * 1024**2
MAX_TEXT = 1024**2
"""Bytes of a sheet and of the texts that cells share, which are kept; how many these are; bytes of any other part; and
characters of one text."""

Shown: TypeAlias = Literal["date", "datetime", "time"] | None
"""How a style shows a number: as a date, a date and time, a time of day or duration, or as a number."""

_ASIAN_DATES = {*range(27, 37), *range(50, 59)}
"""Built-in date formats of East Asian editions."""


class Workbook(NamedTuple):
    """An open workbook: the parts of its sheets by name, in their order, and the names of hidden ones."""

    archive: ZipFile
    sheets: dict[str, str]
    hidden: frozenset[str]
    texts: list[str]
    styles: list[Shown]
    epoch: datetime


def open_workbook(stream: IO[bytes]) -> Workbook:
    """Read everything but the sheets; raises UnsafeXml, or BadZipFile where the file is no archive."""
    archive = ZipFile(stream)
    root = _related(archive, "")
    book = next((part for part, kind in root.values() if kind == "officeDocument"), "xl/workbook.xml")
    parts = _related(archive, book)
    sheets: dict[str, str] = {}
    hidden: set[str] = set()
    epoch = WINDOWS_EPOCH
    for tag in _tags(archive, book):
        attributes = tag.attributes or {}
        if tag.name == "workbookPr" and attributes.get("date1904") in ("1", "true", "on"):
            epoch = MAC_EPOCH
        if tag.name == "sheet":
            part, kind = parts.get(
                next((attributes[name] for name in attributes if name.endswith(":id")), ""), ("", "")
            )
            if kind == "worksheet":
                sheets[attributes.get("name", "")] = part
                if attributes.get("state") in ("hidden", "veryHidden"):
                    hidden.add(attributes.get("name", ""))
    by_kind = {kind: part for part, kind in parts.values()}
    return Workbook(
        archive,
        sheets,
        frozenset(hidden),
        _texts(archive, by_kind["sharedStrings"]) if "sharedStrings" in by_kind else [],
        _styles(archive, by_kind["styles"]) if "styles" in by_kind else [],
        epoch,
    )


def part_of(archive: ZipFile, name: str, most: int) -> IO[bytes]:
    """Open a part; raises UnsafeXml where it is missing, encrypted or too large."""
    try:
        part = archive.getinfo(name)
    except KeyError as error:
        raise UnsafeXml(f"its part {name!r} is missing") from error
    if part.file_size > most:
        raise UnsafeXml(f"its part {name!r} has {part.file_size} bytes, {most} are read")
    if part.flag_bits & 1:
        raise UnsafeXml("it is encrypted: save it without a password")
    return archive.open(part)


def _tags(archive: ZipFile, name: str) -> Iterator[Tag]:
    with part_of(archive, name, MAX_PART) as content:
        yield from tags_of(content)


def _related(archive: ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """The parts related to this one: paths and kinds by relationship id."""
    folder, name = posixpath.split(part)
    found = {}
    for tag in _tags(archive, posixpath.join(folder, "_rels", f"{name}.rels")):
        if tag.name == "Relationship" and tag.attributes:
            target = posixpath.normpath(posixpath.join("/" + folder, tag.attributes.get("Target", ""))).lstrip("/")
            found[tag.attributes.get("Id", "")] = target, tag.attributes.get("Type", "").rpartition("/")[2]
    return found


def _styles(archive: ZipFile, name: str) -> list[Shown]:
    formats: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    formats |= {str(number): "yyyy-mm-dd" for number in _ASIAN_DATES}
    found: list[Shown] = []
    within = False
    for tag in _tags(archive, name):
        if tag.name == "cellXfs":
            within = tag.attributes is not None
        elif tag.attributes and tag.name == "numFmt":
            formats[tag.attributes.get("numFmtId", "")] = tag.attributes.get("formatCode", "")
        elif tag.attributes is not None and tag.name == "xf" and within:
            found.append(_shown(formats.get(tag.attributes.get("numFmtId", "0"), "General")))
    return found


def _shown(code: str) -> Shown:
    if is_timedelta_format(code):
        return "time"
    found: Mapping[str | None, Shown] = {"date": "date", "datetime": "datetime", "time": "time"}
    return found.get(is_datetime(code)) if is_date_format(code) else None


def _texts(archive: ZipFile, name: str) -> list[str]:
    """The shared texts of cells, in their order: all runs of a rich text, without phonetic hints."""
    found: list[str] = []
    parts: list[str] = []
    state = {"text": False, "sound": False}

    def start(name: str, _: Mapping[str, str]) -> None:
        if name == "si":
            parts.clear()
        elif name == "rPh":
            state["sound"] = True
        elif name == "t":
            state["text"] = not state["sound"]

    def end(name: str) -> None:
        if name == "si":
            found.append("".join(parts))
        elif name == "rPh":
            state["sound"] = False
        elif name == "t":
            state["text"] = False

    def text(content: str) -> None:
        if state["text"]:
            parts.append(content)

    with part_of(archive, name, MAX_TEXTS) as content:
        for _ in XmlStream(start, end, text).chunks(content):
            if sum(map(len, parts)) > MAX_TEXT or len(found) > MAX_SHARED:
                raise UnsafeXml(f"it shares a text of more than {MAX_TEXT} characters, or more than {MAX_SHARED} texts")
    return found
