"""Items that were put aside, in a file that only its owner can read: redacted, and saying so."""

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from connectors.portal.rejected import Rejected
from connectors.portal.translation import Put
from connectors.portal.wire_values import code_at

_KEPT = (
    *("MaHoSo", "MaTTHC", "KenhThucHien", "NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra", "NgayTuChoi"),
    *("TrangThaiHoSo", "TrangThai", "ThoiDiemXuLy", "DuocThanhToanTrucTuyen"),
)
_AGENCY = re.compile(
    r"(ubnd|ủy ban|uỷ ban|sở|phòng|ban|trung tâm|chi cục|cục|chi nhánh|văn phòng|bộ phận|công an|thanh tra)\b[^@0-9]*"
)
_MOST_BYTES = 64 * 1024 * 1024
_LONGEST_NAME = 100
REDACTED = "redacted: only codes and dates are kept, the sender has the whole"


class RejectFile:
    """Lines of JSON. Beyond 64 MiB the file becomes the former one, which is kept until the next. Thread-safe."""

    def __init__(self, path: Path, most_bytes: int = _MOST_BYTES) -> None:
        self.path = path
        self._most = most_bytes
        self._lock = threading.Lock()

    def note_agency(self, name: str, counted_as: str, sender: str, told_at: datetime) -> None:
        """Write the name of an agency that no reference data declares; raises OSError."""
        line = {
            "told_at": told_at.isoformat(),
            "sender": sender,
            "field": "DonViXuLy",
            "reason": f"no agency is declared with this name: dossiers are counted for {counted_as}",
            "copy": REDACTED,
            "name": agency_named(name),
        }
        self._append(orjson.dumps(line) + b"\n")

    def add(self, rejected: Iterable[Put], sender: str, service: str, told_at: datetime) -> None:
        """Write what was put aside; raises OSError."""
        self._append(b"".join(orjson.dumps(_line(each, sender, service, told_at)) + b"\n" for each in rejected))

    def _append(self, lines: bytes) -> None:
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                if self.path.stat().st_size > self._most:
                    self.path.replace(self.path.with_suffix(".former.jsonl"))
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, lines)
            finally:
                os.close(descriptor)


def agency_named(name: str) -> str:
    """The name of an agency as far as it can be shown: one that might be a person's is not."""
    is_agency = len(name) <= _LONGEST_NAME and _AGENCY.fullmatch(name.casefold()) is not None
    return name if is_agency else "(not shown)"


def _line(put: Put, sender: str, service: str, told_at: datetime) -> dict[str, object]:
    return {
        "told_at": told_at.isoformat(),
        "sender": sender,
        "service": service,
        "place": put.place,
        "field": put.error.field,
        "reason": put.error.reason,
        "copy": REDACTED,
        "item": dict(_kept(put.item)) if isinstance(put.item, dict) else {},
    }


def _kept(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields that can only hold codes and dates, of these the values that are such."""
    for field in _KEPT:
        try:
            if value := code_at(item, field):
                yield field, value
        except Rejected:
            yield field, "(not shown)"
