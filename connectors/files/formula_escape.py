"""Escapes cells of CSV files that a spreadsheet would evaluate as formulas."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""A cell must not begin with these; the quote itself is one, so that unescaping always restores the cell."""


def escape_formula(cell: str) -> str:
    """The cell with a leading quote where a spreadsheet might evaluate it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def unescape_formula(cell: str) -> str:
    """The cell before `escape_formula`; a cell that was not escaped stays as it is, even with a leading quote."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
