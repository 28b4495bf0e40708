"""Officials (cán bộ, công chức): an opaque code and a unit; the name is personal data and kept apart."""

from msgspec import Struct


class Official(Struct, frozen=True, kw_only=True, gc=False):
    """An official. Only `code` and `unit` are reference data; never print, log or store `name` beside them.

    The name is None where a file has no names: the one that is known stays.
    """

    code: str
    unit: str
    name: str | None = ""

    def __repr__(self) -> str:
        return f"Official(code={self.code!r}, unit={self.unit!r})"
