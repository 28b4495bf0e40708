"""How wide a text is on the screen: Grafana wraps or cuts what is too wide, and left-aligns what it wraps."""

import unicodedata

_EM = {
    0.24: "ijl",
    0.27: "I,. '",
    0.36: "ft/r()",
    0.46: "1-",
    0.52: "s–",
    0.54: "Jkxz",
    0.57: "Lacvy7",
    0.59: "euFhn",
    0.61: "Eogpq25",
    0.63: "ZbdP06893đ",
    0.65: "RSTX4BK",
    0.67: "YAV≥≤▲▼",
    0.73: "DĐC",
    0.75: "GHUNOQ",
    0.82: "w%",
    0.88: "mM",
    0.95: "W",
}
"""Advance widths of Inter, Grafana's font, as fractions of the font size; marks do not change a letter's width."""
_OF = {letter: width for width, letters in _EM.items() for letter in letters}
_SPACE = "\N{NO-BREAK SPACE}"


def width(text: str, size: float) -> float:
    """The width of a line in pixels, to within a few per cent."""
    plain = unicodedata.normalize("NFD", text.replace(_SPACE, " "))
    return size * sum(_OF.get(letter, 0.7) for letter in plain if not unicodedata.combining(letter))


def centred(lines: tuple[str, str], size: float, room: float) -> str:
    """Two lines as one text that wraps between them, each centred in the room.

    Grafana centres a text as a whole, and left-aligns a wrapped one. The only space at which this text can wrap is the
    one between the lines; no-break spaces before each line push it to the middle.
    """
    return " ".join(_SPACE * round((room - width(line, size)) / 2 / width(" ", size)) + _fixed(line) for line in lines)


def _fixed(line: str) -> str:
    return line.replace(" ", _SPACE)
