"""Answers as one-stop systems expect them: one JSON object with `error_code`, and one of them for each item."""

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Protocol

from msgspec import Struct

from connectors.portal.directory import Directory
from connectors.portal.rejected import CODES
from connectors.portal.translation import Put, Translation


class Answer(Struct, frozen=True):
    """An HTTP status, the JSON object, and the seconds after which to try again, where it is worth it."""

    status: int
    content: dict[str, Any]
    retry_after: int = 0


class Failure(Exception):
    """A request that is answered with an error as a whole; whose it is and for what, where that is known."""

    sender = ""
    service = ""

    def __init__(self, status: int, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.answer = Answer(status, {"error_code": str(status), "message": message}, ceil(retry_after))


class KnownDossier(Struct, frozen=True):
    """What our counts know of a dossier; instants are local digits, empty where there are none."""

    dossier: str
    agency: str
    status: str
    received_at: str
    term: str
    ended_at: str
    returned_at: str


class Counts(Protocol):
    """Our counts, as far as senders may ask for them."""

    def dossier(self, code: str) -> KnownDossier | None:
        """The dossier with this code; None where none was counted. May block; raises DossierError."""


def for_items(translation: Translation, success: str, keys: Iterable[str]) -> Answer:
    """The answer about items that were taken over or put aside; `success` is the form of 0 that the sender knows."""
    errors = {each.place: each for each in translation.rejected}
    results = [_result(key, errors.get(place), success) for place, key in enumerate(keys)]
    if not errors:
        return Answer(200, {"error_code": success, "message": "", "result": results})
    if translation.items == 1:
        (only,) = errors.values()
        code = CODES[only.error.code]
    else:
        code = "1"
    message = f"{len(errors)} of {translation.items} items were put aside: correct them and send them again"
    return Answer(200, {"error_code": code, "message": message, "result": results})


def _result(key: str, put: Put | None, success: str) -> dict[str, str]:
    if put is None:
        return {"MaHoSo": key, "error_code": success, "message": ""}
    return {"MaHoSo": key, "error_code": CODES[put.error.code], "message": str(put.error)}


def for_dossier(found: KnownDossier | None) -> Answer:
    """The answer of TraCuuHoSo: no result where the dossier is not known, which makes senders send it as a new one."""
    if found is None:
        return _results([])
    return _results(
        [
            {
                "MaHoSo": found.dossier,
                "MaDonVi": found.agency,
                "TrangThaiHoSo": found.status,
                "NgayTiepNhan": found.received_at,
                "NgayHenTra": found.term,
                "NgayKetThucXuLy": found.ended_at,
                "NgayTra": found.returned_at,
            }
        ]
    )


def for_procedure(code: str, directory: Directory) -> Answer:
    """The answer of LayThuTuc: name and field of a procedure."""
    found = directory.procedures.get(code)
    if found is None:
        return _results([])
    field = {"MALINHVUC": found.field, "TENLINHVUC": found.field}
    return _results([{"MATTHC": found.code, "TENTTHC": found.name_vi, "LINHVUCTHUCHIEN": [field]}])


def for_procedures(directory: Directory) -> Answer:
    """The answer of LayDanhSachTTHC: all procedures."""
    return _results([{"MATTHC": each.code, "TENTTHC": each.name_vi} for each in directory.procedures.values()])


def for_agencies(directory: Directory) -> Answer:
    """The answer of LayDanhMucCoQuan: all agencies, each once."""
    places = {each.code: each for each in directory.codes.values()}
    return _results([{"MADONVI": each.code, "TENDONVI": each.name, "CAPDONVI": each.level} for each in places.values()])


def _results(results: list[Mapping[str, Any]]) -> Answer:
    return Answer(200, {"error_code": "0", "message": "", "result": results})
