"""How long tests search: a little at a desk and in CI, for long where `make chaos` asks for it."""

import os

IS_THOROUGH = os.environ.get("TESTS") == "thorough"


def sized(few: int, many: int) -> int:
    """How many examples, schedules or seeds are tried."""
    return many if IS_THOROUGH else few
