"""Which queries need no DESCRIBE, because the blocks of their answers name the types of all columns in full."""

from deploy.embedded.clickhouse.native_blocks import Columns, is_in_blocks

SHAPES_LIMIT = 1000
"""Above it the shapes are forgotten, and each costs one DESCRIBE more."""
SIZE_LIMIT = 1 << 18
"""Bytes of an answer: the server must walk over its first block, which costs more than a DESCRIBE if it is large."""


class SelfDescribed:
    """The shapes of queries whose last answer was small and had only such types; shared by all sessions of an engine.

    It is a guess: the next query of a shape has other literals, and tables may have changed. A session therefore looks
    at the blocks before it trusts them. A wrong guess costs time, never a type.
    """

    def __init__(self) -> None:
        self._shapes: set[int] = set()

    def expects(self, shape: str) -> bool:
        """Whether the next answer is expected to be such an answer too; `shape` is that of `statements.shape`."""
        return hash(shape) in self._shapes

    def learn(self, shape: str, columns: Columns, size: int) -> None:
        """Note what a query of this shape was answered."""
        if size > SIZE_LIMIT or not all(is_in_blocks(spec) for _, spec in columns):
            self._shapes.discard(hash(shape))
        elif len(self._shapes) < SHAPES_LIMIT:
            self._shapes.add(hash(shape))
        else:
            self._shapes = {hash(shape)}
