"""Which queries need no DESCRIBE, because the blocks of their answers name the types of all columns in full."""

from deploy.embedded.clickhouse.native_blocks import Columns, is_in_blocks

SHAPES_LIMIT = 1000
"""Above it the shapes are forgotten, and each costs one DESCRIBE more."""
SIZE_LIMIT = 1 << 18
"""Bytes of an answer that are always worth it: the server must walk over its first block."""
WALK_SECONDS = 5e-8
"""What a byte of a block costs to walk over at most: most are of short texts then."""


class SelfDescribed:
    """The shapes of queries whose last answer had only such types, and cost less to walk over than a DESCRIBE.

    It is a guess: the next query of a shape has other literals, and tables may have changed. A session therefore looks
    at the blocks before it trusts them. A wrong guess costs time, never a type. All sessions of an engine share it.
    """

    def __init__(self) -> None:
        self._shapes: dict[int, float] = {}
        """The seconds that the last DESCRIBE of each took."""

    def expects(self, shape: str) -> bool:
        """Whether the next answer is expected to be such an answer too; `shape` is that of `statements.shape`."""
        return hash(shape) in self._shapes

    def learn(self, shape: str, columns: Columns, size: int, described: float | None = None) -> None:
        """Note what a query of this shape was answered, and how many seconds its DESCRIBE took, where it had one."""
        key = hash(shape)
        saved = self._shapes.pop(key, 0.0) if described is None else described
        is_cheap = size <= SIZE_LIMIT or size * WALK_SECONDS <= saved
        if not is_cheap or not all(is_in_blocks(spec) for _, spec in columns):
            self._shapes.pop(key, None)
            return
        if len(self._shapes) >= SHAPES_LIMIT:
            self._shapes.clear()
        self._shapes[key] = saved
