"""Codes of officials (cán bộ, công chức) in events: opaque, so that no event tells who a person is.

What looks like a name, a login, an address, a phone or an identity number is refused: it would be personal data.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any

from msgspec import Meta

_PATTERN = r"^(?![0-9]{9,12}$)(?=[^0-9]*[0-9])[0-9A-Za-z._:/-]+$"
_matches = re.compile(_PATTERN.replace("$", r"\Z")).match

OfficialCode = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="Opaque code of the official, never a name: letters of ASCII, at least one digit, . _ : / -",
        extra_json_schema={"pattern": _PATTERN},
    ),
]
"""The pattern is left to `check_official`, which remembers the codes that it has seen."""


CODE_RULE = (
    "a code has letters (A-Z, a-z), digits and . _ : / -, at least one digit, and is no phone or identity number"
)


def is_official(code: str) -> bool:
    """Whether events may name an official by this code."""
    return _matches(code) is not None


@lru_cache(65_536)
def check_official(code: str) -> str:
    """The code itself; raises ValueError where it is none. The message leaves it out, as it may be a name."""
    if not is_official(code):
        raise ValueError(f"official = … is not the opaque code of an official: {CODE_RULE}; never send a name")
    return code


def payload_getter(fields: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The function that gives the payload of an event whose last field is the official, which it checks.

    A payload without an official ends before it: it is the same as before events could name one.
    """
    get = attrgetter(*fields[:-1])

    def payload(event: Any) -> tuple[Any, ...]:
        official = event.official
        found: tuple[Any, ...] = get(event)
        return found if official is None else (*found, check_official(official))

    return payload
