"""A dossier as a message shows it: the fields that are taken over. Whatever else a message holds stays behind."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from connectors.portal.rejected import Rejected
from connectors.portal.statuses import Meaning
from connectors.portal.wire_values import (
    amount_at,
    code_at,
    instant_at,
    is_true,
    items_at,
    required_code_at,
    text_at,
)
from schemas.events import Channel

_CHANNELS: dict[str, Channel] = {"1": "direct", "2": "online", "3": "postal"}
_MOST_SUPPLEMENTS = 200
"""Each gives up to three of the 1,000 numbered records that a dossier may have."""
PaidThrough: TypeAlias = Literal["", "national", "agency"]
_PAID_THROUGH: dict[str, PaidThrough] = {"1": "national", "2": "agency"}


class Supplement(Struct, frozen=True, gc=False):
    """A request for supplements: when it was made and answered, the term before it and the one after it."""

    requested_at: datetime
    answered_at: datetime | None
    term_before: datetime | None
    term_after: datetime | None


class Snapshot(Struct, frozen=True):
    """What one message says about one dossier.

    `ends` are its end dates in their order in time, whichever of the two fields they came in. `meaning` is None for a
    status that the table does not know, and `has_status` tells whether there was any.
    """

    dossier: str
    procedure: str
    agency_named: str
    channel: Channel | None
    received_at: datetime | None
    term: datetime | None
    ends: tuple[datetime, ...]
    refused_at: datetime | None
    meaning: Meaning | None
    has_status: bool
    supplements: tuple[Supplement, ...]
    components: int
    digitised: int
    reused: int
    has_result: bool
    fee: int
    paid_through: PaidThrough


def read_snapshot(item: Mapping[str, Any], zone: ZoneInfo, statuses: Mapping[str, Meaning]) -> Snapshot:
    """The snapshot in an item of DongBoHoSoMC; raises Rejected, which names the first field that is wrong."""
    dossier = required_code_at(item, "MaHoSo")
    channel = text_at(item, "KenhThucHien")
    if channel and channel not in _CHANNELS:
        raise Rejected("invalid", "KenhThucHien", "is not 1, 2 or 3")
    ends = (instant_at(item, field, zone) for field in ("NgayKetThucXuLy", "NgayTra"))
    documents = [each for each in items_at(item, "TaiLieuNop") if not is_true(each, "IsDeleted")]
    status = text_at(item, "TrangThaiHoSo")
    return Snapshot(
        dossier=dossier,
        procedure=code_at(item, "MaTTHC"),
        agency_named=text_at(item, "DonViXuLy"),
        channel=_CHANNELS.get(channel),
        received_at=instant_at(item, "NgayTiepNhan", zone),
        term=instant_at(item, "NgayHenTra", zone, is_term=True),
        ends=tuple(sorted(end for end in ends if end is not None)),
        refused_at=instant_at(item, "NgayTuChoi", zone),
        meaning=statuses.get(status),
        has_status=bool(status),
        supplements=_supplements(item, zone),
        components=len(documents),
        digitised=sum(is_true(each, "DuocSoHoa") for each in documents),
        reused=sum(is_true(each, "DuocTaiSuDung") or is_true(each, "DuocLayTuKhoDMQG") for each in documents),
        has_result=any(text_at(each, "DuongDanTepTinKetQua") for each in items_at(item, "DanhSachGiayToKetQua")),
        fee=sum(amount_at(line, "Gia") for line in items_at(item, "DanhSachLePhi")),
        paid_through=_PAID_THROUGH.get(text_at(item, "DuocThanhToanTrucTuyen"), ""),
    )


def _supplements(item: Mapping[str, Any], zone: ZoneInfo) -> tuple[Supplement, ...]:
    """The requests in the order in which they were made; one without its date says nothing."""
    found = [
        Supplement(requested_at, instant_at(each, "NgayTiepNhanBoSung", zone), *_terms(each, zone))
        for each in items_at(item, "DanhSachHoSoBoSung", _MOST_SUPPLEMENTS)
        if (requested_at := instant_at(each, "NgayBoSung", zone)) is not None
    ]
    return tuple(sorted(found, key=lambda each: each.requested_at))


def _terms(item: Mapping[str, Any], zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    before, after = (instant_at(item, field, zone, is_term=True) for field in ("NgayHenTraTruoc", "NgayHenTraMoi"))
    return before, after
