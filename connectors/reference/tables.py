"""Opens a file of reference data in its format, and finds the columns that its headers mean."""

from pathlib import Path

from connectors.errors import UnreadableFile
from connectors.reference.cells import is_blank
from connectors.reference.columns import Columns
from connectors.reference.table import Table
from connectors.reference.text_tables import csv_table, json_table
from connectors.reference.xlsx_table import xlsx_table
from schemas.reference.findings import Finding, quoted

_CSV = (".csv", ".tsv", ".txt")
_JSON = (".json", ".jsonl", ".ndjson")
_XLSX = (".xlsx", ".xlsm")


def open_table(path: Path, columns: Columns) -> Table:
    """The table with these columns in a file, by its extension; raises UnreadableFile where there is none."""
    kind = path.suffix.lower()
    if kind not in (*_CSV, *_JSON, *_XLSX):
        old = "; .xls is the old format of workbooks: save it as .xlsx" if kind == ".xls" else ""
        raise UnreadableFile(f"{path}: files of reference data end with .csv, .tsv, .json, .jsonl or .xlsx{old}")
    try:
        with path.open("rb") as stream:
            if kind in _XLSX:
                return xlsx_table(str(path), stream, columns.is_header)
            return csv_table(str(path), stream, columns.is_column) if kind in _CSV else json_table(str(path), stream)
    except OSError as error:
        raise UnreadableFile(f"{path}: cannot be read: {error.strerror or error}") from error


def positions(table: Table, columns: Columns) -> tuple[dict[str, int], list[Finding]]:
    """The number of the header of each column, and what is wrong with the headers."""
    found: dict[str, int] = {}
    findings: list[Finding] = []
    for at, header in enumerate(table.headers):
        if not header:
            row = next((row for row in table.rows if not is_blank(row.cells.get(at))), None)
            if row:
                findings.append(row.place.finding(f"column {at + 1}", "", "has values below an empty header", at))
            continue
        column = columns.column(header)
        if column is None:
            near = columns.similar(header)
            hint = f"is {near} meant?" if near else f"there are {', '.join(columns.all)}"
            findings.append(table.place.finding(header, "", f"is not a known column: {hint}", at))
        elif column in found:
            wrong = f"is the column {column}, as is {quoted(table.headers[found[column]])}"
            findings.append(table.place.finding(header, "", wrong, at))
        elif column:
            found[column] = at
    missing = [column for column in columns.required if column not in found and table.rows]
    findings += [table.place.finding(column, "", "is missing: the file needs this column") for column in missing]
    return found, findings
