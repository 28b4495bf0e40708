"""CSV that people open in a spreadsheet, which would compute what looks like a formula."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""What a cell must not begin with; the quote itself too, so that taking one away always gives what was there."""


def escape_formula(cell: str) -> str:
    """The cell behind a quote where a spreadsheet might compute it; without its first quote it is as it was."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def unescape_formula(cell: str) -> str:
    """What the cell was before `escape_formula`; other cells are as they are, also where they begin with a quote."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
