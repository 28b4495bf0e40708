"""Which files of tests a target needs to read: collecting all costs each process more than many targets' tests."""

import re

_NONE_OF = re.compile(r"not \((?P<names>\w+(?: or \w+)*)\)")
_ANY_OF = re.compile(r"(?P<names>\w+(?: or \w+)*)")
_OF_ALL = re.compile(r"^pytestmark = (?P<marks>\[[^\]]*\]|.*)$", re.MULTILINE)
_MARK = re.compile(r"\bmark\.(\w+)")


def holds_nothing(expression: str, text: str) -> bool:
    """Whether pytest's marker expression takes no test of a file with this text; False where that is not plain."""
    if found := _NONE_OF.fullmatch(expression):
        of_all = _OF_ALL.search(text)
        return of_all is not None and not _names(found).isdisjoint(_MARK.findall(of_all["marks"]))
    if found := _ANY_OF.fullmatch(expression):
        return _names(found).isdisjoint(_MARK.findall(text))
    return False


def _names(found: re.Match[str]) -> set[str]:
    return set(found["names"].split(" or "))
