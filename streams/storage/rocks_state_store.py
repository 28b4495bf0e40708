"""Local state in RocksDB.

Its write-ahead log survives a worker that is killed. Nothing is synced, so a crash of the machine may lose any write:
the boot id in the heads detects it.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from rocksdict import (
    AccessType,
    BlockBasedOptions,
    Cache,
    DBCompressionType,
    DBRecoveryMode,
    Options,
    Rdict,
    WriteBatch,
)

from streams.counting.state_store import StateHead, StateStore
from streams.counting.store_interface import Stored
from streams.errors import StateUnusable

_CACHE_BYTES = 32 << 20
"""Blocks, which the operating system caches as well. Indexes and filters stay in memory: in here they would thrash."""
_BUFFER_BYTES, _BUFFERS = 8 << 20, 3
_FILE_BYTES = 32 << 20
_FILTER_BITS = 10
"""Of a dossier: one new dossier in a hundred is looked for in vain."""
_FIRST_READ, _MOST_READ = 32, 4096
"""Dossiers that are looked up at once, from the first ones on, while what is found is small."""
_READ_PARTS = 8
"""The next lookup may be larger where the last one had less than this part of what may be read."""

_PARTITION = struct.Struct(">H")
_FACTS = struct.Struct("<QI")
_heads = msgspec.json.Decoder(StateHead)


class RocksStateStore(StateStore):
    """A RocksDB in the folder, which is created; `read_only` reads that of a process that runs.

    A key is the partition and the dossier, a head has no dossier. Raises StateUnusable.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._folder = folder
        access = AccessType.read_only(error_if_log_file_exist=False) if read_only else AccessType.read_write()
        with self._explained():
            self._db = Rdict(str(folder), _options(), access_type=access)

    def read_head(self, partition: int) -> StateHead | None:
        """The head of the partition; one that cannot be decoded is of another release."""
        with self._explained():
            value = self._db.get(_PARTITION.pack(partition))
        try:
            return None if value is None else _heads.decode(value)
        except msgspec.DecodeError:
            return None

    def read(self, partition: int, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        """Look up the first of the dossiers, a growing number at once."""
        prefix, found = _PARTITION.pack(partition), dict[str, Stored]()
        place = size = 0
        most = _FIRST_READ
        while place < len(dossiers):
            names = dossiers[place : place + most]
            with self._explained():
                values = self._db.get([prefix + name.encode() for name in names])
            before = size
            for name, value in zip(names, values or (), strict=True):
                if value is not None:
                    size += len(value) - _FACTS.size
                    if size > max_bytes and place:
                        return place, found
                    found[name] = Stored(*_unpacked(value))
                place += 1
            most = min(2 * most, _MOST_READ) if size - before < max_bytes // _READ_PARTS else max(1, most // 2)
        return place, found

    def write(self, facts: Mapping[str, Stored], head: StateHead) -> None:
        """Write facts and the head in one batch."""
        self._write(self._batch(facts, head))

    def reset(self, head: StateHead) -> None:
        """Drop the entries of the head's partition."""
        batch = WriteBatch(raw_mode=True)
        # No dossier has a byte 0xff: text in UTF-8 does not.
        prefix = _PARTITION.pack(head.partition)
        batch.delete_range(prefix, prefix + b"\xff")
        batch.put(prefix, msgspec.json.encode(head))
        self._write(batch)

    def close(self) -> None:
        """Close the files."""
        with self._explained():
            self._db.close()

    def _batch(self, facts: Mapping[str, Stored], head: StateHead) -> WriteBatch:
        batch = WriteBatch(raw_mode=True)
        prefix, pack, put = _PARTITION.pack(head.partition), _FACTS.pack, batch.put
        for dossier, (pos, registers, number) in ((d, (s.pos, s.registers, s.number)) for d, s in facts.items()):
            put(prefix + dossier.encode(), pack(pos, number) + registers)
        put(prefix, msgspec.json.encode(head))
        return batch

    def _write(self, batch: WriteBatch) -> None:
        with self._explained():
            self._db.write(batch)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:  # the library raises plain exceptions, and where it panics not even these
            if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
                raise
            raise StateUnusable(f"local state in {self._folder}: {' '.join(str(error).split())}") from error


def _unpacked(value: bytes) -> tuple[int, bytes, int]:
    pos, number = _FACTS.unpack_from(value)
    return pos, value[_FACTS.size :], number


def _options() -> Options:
    """Bounded memory, and compaction that never stops writes: it may be late, as what is written is small."""
    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(_CACHE_BYTES))
    blocks.set_cache_index_and_filter_blocks(False)
    blocks.set_bloom_filter(_FILTER_BITS, False)
    blocks.set_format_version(5)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_compression_type(DBCompressionType.lz4())
    options.set_write_buffer_size(_BUFFER_BYTES)
    options.set_max_write_buffer_number(_BUFFERS)
    options.set_max_total_wal_size(_BUFFERS * _BUFFER_BYTES)
    options.set_target_file_size_base(_FILE_BYTES)
    options.set_max_bytes_for_level_base(2 * _FILE_BYTES)
    options.set_max_background_jobs(2)
    options.set_level_zero_slowdown_writes_trigger(64)
    options.set_level_zero_stop_writes_trigger(128)
    # What lies past a torn end of the log is dropped with the head that names it.
    options.set_wal_recovery_mode(DBRecoveryMode.point_in_time())
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    options.set_max_log_file_size(1 << 20)
    options.set_stats_dump_period_sec(0)
    return options
