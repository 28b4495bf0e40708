"""Rows of a table, kept column by column: as the driver sends them, and with less memory than a tuple each."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, TypeAlias, overload

from schemas.tables import Table
from streams.counting.store_interface import Row

Column: TypeAlias = "list[Any] | array[int]"


class Block(Sequence[Row]):
    """Reads as the sequence of its rows, whose values are in the order of the table's declared columns.

    Columns of Int64 are arrays, whose bytes are as they are sent.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: "list[Column]") -> None:
        self.columns = columns

    @classmethod
    def of(cls, table: Table) -> "Block":
        """A block for rows of this table, without any yet."""
        return cls([array("q") if spec == "Int64" else [] for spec in table.columns.values()])

    def parted(self, table: Table) -> "list[tuple[tuple[str, ...], Block]]":
        """The rows in up to two blocks, each with the names of its columns: one block leaves out the rare columns.

        Its rows have the default of the type in these columns, which the table fills in.
        """
        names = tuple(table.columns)
        rare = [column for name, column in zip(names, self.columns, strict=True) if name in table.rare]
        if not rare:
            return [(names, self)]
        plain = [not any(values) for values in zip(*rare, strict=True)]
        full = [place for place, is_plain in enumerate(plain) if not is_plain]
        common = [(name, column) for name, column in zip(names, self.columns, strict=True) if name not in table.rare]
        parts = [
            (tuple(name for name, _ in common), Block([list(compress(column, plain)) for _, column in common])),
            (names, Block([[column[place] for place in full] for column in self.columns])),
        ]
        return [(columns, block) for columns, block in parts if len(block)]

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows."""
        self.extend_columns(zip(*rows, strict=True))

    def extend_columns(self, columns: Iterable[Iterable[object]]) -> None:
        """Add rows given as columns; no columns at all are no rows."""
        for column, values in zip(self.columns, columns, strict=False):
            column.extend(values)  # type: ignore[arg-type]  # an array takes integers only

    def newest(self, key: int) -> "Block":
        """Of rows that are equal in so many first columns only the last one, in the order of those."""
        keys = self.columns[0] if key == 1 else zip(*self.columns[:key], strict=True)
        last = {value: index for index, value in enumerate(keys)}
        if len(last) == len(self):
            return self
        kept = sorted(last.values())
        return Block([[column[index] for index in kept] for column in self.columns])

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # rows are added

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Row]:
        return zip(*self.columns, strict=True)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> "Block": ...

    def __getitem__(self, index: int | slice) -> "Row | Block":
        if isinstance(index, slice):
            return Block([column[index] for column in self.columns])
        return tuple(column[index] for column in self.columns)
