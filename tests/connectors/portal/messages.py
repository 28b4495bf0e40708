"""Messages as the two systems of one-stop offices build them, with made-up personal data wherever they can carry it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from connectors.portal.directory import Directory, directory_of
from connectors.portal.implied_events import Told, events_of
from connectors.portal.senders import Sender
from connectors.portal.snapshot import read_snapshot
from connectors.portal.statuses import TABLES
from schemas.events import Event
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TOLD_AT = datetime(2026, 3, 20, 3, 0, tzinfo=UTC)
PERSONAL = (
    "Nguyễn Thị Bích Hà",
    "0912345678",
    "+84912345678",
    "bich.ha@example.vn",
    "001185012345",
    "12 Phố Huế, Hai Bà Trưng",
)
"""A name, phones, an e-mail, an identity number, an address: none may be found anywhere."""

DIRECTORY = directory_of(
    [
        Agency(code="H26", name_vi="Thành phố Hà Nội", level="province"),
        Agency(code="H26.17", name_vi="Sở Xây dựng", parent="H26", level="department", aliases=("SXD1",)),
        Agency(code="H26.17.1", name_vi="Phòng Cấp phép", parent="H26.17", level="department"),
        Agency(code="H26.18", name_vi="Sở Tư pháp", parent="H26", level="department"),
    ],
    [ProcedureVersion(code="1.000894", name_vi="Đăng ký kết hôn", service_level="full", field="Hộ tịch")],
)
NOTHING_DECLARED = Directory()


def sender(**changed: Any) -> Sender:
    """A sender for one department; a name, a unit, no password."""
    fields: dict[str, Any] = {
        "username": "onestop",
        "madonvi": "000.00.17.H26",
        "agencies": ("H26.17",),
        "agency": "H26.17",
        "items_per_second": 100_000,
    }
    return Sender(**fields | changed)


def dossier(**changed: Any) -> dict[str, Any]:
    """A dossier as OpenCPS builds it: every value is text, missing ones are empty, and personal data is everywhere."""
    name, phone, _, mail, identity, address = PERSONAL
    document = {
        "TepDinhKemId": "77",
        "TenTepDinhKem": f"CCCD {name}.pdf",
        "IsDeleted": "False",
        "MaThanhPhanHoSo": identity,
        "DuongDanTaiTepTin": f"https://onestop.example/{phone}/{name}.pdf",
        "DuocSoHoa": "0",
        "DuocTaiSuDung": "0",
        "DuocLayTuKhoDMQG": "0",
    }
    return {
        "MaHoSo": "H26.17-260302-0001",
        "MaTTHC": "1.000894",
        "TenTTHC": f"Thủ tục của {name}",
        "MaLinhVuc": "G01",
        "TenLinhVuc": "",
        "KenhThucHien": "2",
        "ChuHoSo": name,
        "LoaiDoiTuong": "1",
        "MaDoiTuong": identity,
        "ThongTinKhac": phone,
        "Email": mail,
        "Fax": phone,
        "SoDienThoai": phone,
        "TrichYeuHoSo": f"{name}, {address}, sinh 1985",
        "NgayNopHoSo": "20260302075500",
        "NgayTiepNhan": "20260302080000",
        "NgayHenTra": "20260310170000",
        "TrangThaiHoSo": "4",
        "NgayTra": "",
        "NgayKetThucXuLy": "",
        "ThongTinTra": address,
        "HinhThuc": "0",
        "DonViXuLy": "Sở Xây dựng",
        "GhiChu": f"gọi {phone}",
        "TaiLieuNop": [document],
        "DanhSachLePhi": [],
        "DanhSachTepDinhKemKhac": [],
        "DanhSachHoSoBoSung": [],
        "DanhSachGiayToKetQua": [],
        "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": identity}],
    } | changed


def progress(**changed: Any) -> dict[str, Any]:
    """A record of progress as OpenCPS builds it."""
    name, phone, *_ = PERSONAL
    return {
        "MaHoSo": "H26.17-260302-0001",
        "NguoiXuLy": name,
        "ChucDanh": "",
        "ThoiDiemXuLy": "20260303090000",
        "PhongBanXuLy": name,
        "NoiDungXuLy": f"{name} đã gọi {phone}",
        "TrangThai": "4",
        "NgayBatDau": "",
        "NgayKetThucTheoQuyDinh": "",
    } | changed


def supplement(requested: str, answered: str = "", before: str = "", after: str = "") -> dict[str, str]:
    """A request for supplements as the provincial system lists it."""
    return {
        "NgayBoSung": requested,
        "NguoiYeuCauBoSung": PERSONAL[0],
        "NoiDungBoSung": PERSONAL[5],
        "NgayTiepNhanBoSung": answered,
        "NgayHenTraTruoc": before,
        "NgayHenTraMoi": after,
    }


def implied(*, minutes: int = 0, agency: str = "H26.17", **changed: Any) -> list[Event]:
    """The events of such a dossier, told so many minutes later."""
    told = Told("onestop", TOLD_AT + timedelta(minutes=minutes))
    return events_of(read_snapshot(dossier(**changed), ZONE, TABLES["ending"]), agency, told)


def local(text: str) -> datetime:
    """The instant of local digits."""
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=ZONE)
