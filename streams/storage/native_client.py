"""The driver's client, whose inserts of columns are encoded by `native_columns`."""

from collections.abc import Sequence
from typing import Any

from clickhouse_driver import Client, defines
from clickhouse_driver.block import BlockInfo
from clickhouse_driver.protocol import ClientPacketTypes
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_str, write_binary_uint8

from streams.storage.native_columns import UNUSUAL, Part, encode


class NativeClient(Client):  # type: ignore[misc]  # the driver has no types
    """Sends columns as one block of bytes; everything else, compression included, is the driver's.

    Columns that cannot be encoded this way are sent by the driver, which converts the value or raises its own error.
    """

    def send_data(
        self, sample_block: Any, data: Sequence[Sequence[Any]], types_check: bool = False, columnar: bool = False
    ) -> int:
        """Send the rows of an insert; the driver calls this once the server has told the types of the columns."""
        block = _encoded(sample_block.columns_with_types, data) if columnar else None
        if block is None:
            # A copy: the driver converts columns in place, and a retry needs them as they were.
            columns = list(map(list, data)) if columnar else data
            return int(super().send_data(sample_block, columns, types_check=types_check, columnar=columnar))
        write_varint(ClientPacketTypes.DATA, self.connection.fout)
        if self.connection.server_info.used_revision >= defines.DBMS_MIN_REVISION_WITH_TEMPORARY_TABLES:
            write_binary_str("", self.connection.fout)
        self._write_block(sample_block.columns_with_types, len(data[0]), block)
        self.receive_profile_events()
        super().send_data(sample_block, [], columnar=True)
        return len(data[0])

    def _write_block(self, columns: Sequence[tuple[str, str]], rows: int, block: list[list[Part]]) -> None:
        """Write a block as the driver's stream does, into that stream."""
        stream = self.connection.block_out
        revision, out = self.connection.server_info.used_revision, stream.fout
        if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
            BlockInfo().write(out)
        write_varint(len(columns), out)
        write_varint(rows, out)
        for (name, spec), parts in zip(columns, block, strict=True):
            write_binary_str(name, out)
            write_binary_str(spec, out)
            if revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION:
                write_binary_uint8(0, out)
            for part in parts:
                if isinstance(part, bytes):
                    out.write(part)
                else:
                    out.write_strings(part, encoding=defines.STRINGS_ENCODING)
        stream.finalize()


def _encoded(columns: Sequence[tuple[str, str]], data: Sequence[Sequence[Any]]) -> list[list[Part]] | None:
    """The parts of each column; None where the driver must decide."""
    if len(data) != len(columns) or not data or not data[0] or len(set(map(len, data))) > 1:
        return None
    try:
        return [encode(spec, values) for (_, spec), values in zip(columns, data, strict=True)]
    except UNUSUAL:
        return None
