"""Why an item of a request was put aside."""

from typing import Literal, TypeAlias

from connectors.errors import ConnectorError

Code: TypeAlias = Literal["unreadable", "missing", "invalid", "personal", "future", "unknown", "agency"]
CODES: dict[Code, str] = {
    "unreadable": "101",
    "missing": "102",
    "invalid": "103",
    "personal": "104",
    "future": "105",
    "unknown": "106",
    "agency": "107",
}
"""Each reason, with the `error_code` of its answer."""


class Rejected(ConnectorError):
    """An item that cannot become events: correct `field` and send it again. Its message repeats no value."""

    def __init__(self, code: Code, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.code = code
        self.field = field
        self.reason = reason
