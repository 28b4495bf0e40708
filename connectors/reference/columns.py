"""The columns of each kind of reference data, by the headers that files have for them."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from connectors.reference.words import folded

_COMMON = {
    "code": "code|ma|ma so",
    "name_vi": "name vi|name|ten|ten tieng viet",
    "name_en": "name en|ten tieng anh|english name",
    "valid_from": "valid from|hieu luc tu|hieu luc tu ngay|tu ngay|ngay hieu luc|ngay bat dau|ngay co hieu luc",
    "valid_to": "valid to|hieu luc den|hieu luc den ngay|den ngay|ngay het hieu luc|ngay ket thuc|het hieu luc",
}
_IGNORED = frozenset({"stt", "so thu tu", "no", "tt", "ghi chu", "note", "notes"})
"""Columns that people add for themselves: row numbers and notes."""


class Columns(NamedTuple):
    """The columns of a kind: what they are called, which ones a file must have, and all of them in order."""

    names: Mapping[str, str]
    required: tuple[str, ...]
    all: tuple[str, ...]

    def column(self, header: str) -> str | None:
        """The column with this header; empty where it is to be ignored, None where there is no such column."""
        words = folded(header)
        return "" if words in _IGNORED and words not in self.names else self.names.get(words)

    def similar(self, header: str) -> str | None:
        """The column whose name comes closest to an unknown header."""
        near = get_close_matches(folded(header), self.names, 1, 0.75)
        return self.names[near[0]] if near else None


def _columns(headers: Mapping[str, str], *required: str) -> Columns:
    names = {header: column for column, known in headers.items() for header in known.split("|")}
    return Columns(names, required, tuple(headers))


AGENCY_COLUMNS = _columns(
    {
        "code": f"{_COMMON['code']}|ma co quan|ma don vi|ma dinh danh",
        "name_vi": f"{_COMMON['name_vi']}|ten co quan|ten don vi",
        "name_en": _COMMON["name_en"],
        "parent": "parent|don vi cha|co quan cha|ma don vi cha|ma co quan cha|ma cha|cha|cap tren|don vi cap tren"
        "|co quan cap tren|truc thuoc|co quan chu quan|don vi chu quan",
        "level": "level|cap|cap don vi|cap co quan|cap hanh chinh",
        "group": "group|nhom|nhom so sanh|nhom don vi|nhom co quan|khoi",
        "valid_from": _COMMON["valid_from"],
        "valid_to": _COMMON["valid_to"],
        "aliases": "aliases|alias|ma cu|ma khac|bi danh|ten goi khac",
        "successors": "successors|successor|ke thua|don vi ke thua|co quan ke thua|ma ke thua|ma don vi ke thua|ke tuc",
    },
    "code",
    "name_vi",
    "parent",
    "level",
)
PROCEDURE_COLUMNS = _columns(
    {
        "code": f"{_COMMON['code']}|ma thu tuc|ma tthc|ma thu tuc hanh chinh",
        "name_vi": f"{_COMMON['name_vi']}|ten thu tuc|ten tthc|ten thu tuc hanh chinh",
        "name_en": _COMMON["name_en"],
        "field": "field|linh vuc|ten linh vuc",
        "level": "level|cap|cap thuc hien|cap giai quyet",
        "service_level": "service level|muc do|muc do dvc|muc do dich vu cong|muc do truc tuyen|muc dvc",
        "channel": "channel|kenh|kenh thuc hien|hinh thuc nop",
        "term": "term|thoi han|thoi han giai quyet|thoi gian giai quyet",
        "unit": "unit|don vi|don vi tinh|don vi thoi han|don vi thoi gian",
        "fee": "fee|fees|phi|le phi|phi le phi",
        "electronic_result": "electronic result|ket qua dien tu|tra ket qua dien tu",
        "components_reusable": "components reusable|thanh phan tai su dung|giay to tai su dung",
        "valid_from": _COMMON["valid_from"],
        "valid_to": _COMMON["valid_to"],
    },
    "code",
    "name_vi",
    "level",
    "service_level",
)
OFFICIAL_COLUMNS = _columns(
    {
        "code": f"{_COMMON['code']}|ma can bo|ma cong chuc|ma cbcc|ma nhan vien",
        "unit": "unit|don vi|phong ban|bo phan|ma don vi|ten don vi",
        "name": "name|ten|ho ten|ho va ten|full name",
    },
    "code",
    "unit",
)
DAY_RULE_COLUMNS = _columns(
    {
        "from": "from|day|date|ngay|tu ngay|ngay bat dau|hieu luc tu",
        "to": "to|den ngay|ngay ket thuc|hieu luc den",
        "weekdays": "weekdays|weekday|thu|cac thu|ngay trong tuan",
        "kind": "kind|loai|loai ngay|che do",
        "hours": "hours|working hours|gio|gio lam viec|khung gio",
        "agency": "agency|province|ma co quan|ma don vi|co quan|don vi|tinh",
        "applies_to": "applies to|ap dung|ap dung cho|pham vi",
        "same_day_until": "same day until|tra trong ngay den|nhan trong ngay den",
        "name": "name|ten|ten ngay|dip|ly do",
        "source": "source|can cu|nguon|van ban",
    },
    "from",
    "kind",
)
