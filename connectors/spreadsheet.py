"""CSV that people open in a spreadsheet, which would compute what looks like a formula."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""What a cell must not begin with; the quote itself too, so that taking one away always gives what was there."""


def unformulated(cell: str) -> str:
    """The cell behind a quote where a spreadsheet might compute it; without its first quote it is as it was."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
