"""The items of a request: what is taken, what is put aside and why, what is flagged, and what stays behind."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.portal.directory import Directory
from connectors.portal.implied_events import Told
from connectors.portal.translation import Service, Translation, translate
from schemas.envelope import encode_event
from schemas.events import Received
from tests.connectors.portal.messages import (
    DIRECTORY,
    NOTHING_DECLARED,
    PERSONAL,
    TOLD_AT,
    ZONE,
    dossier,
    progress,
    supplement,
)
from tests.connectors.portal.messages import sender as a_sender


def translated(
    *items: Any, service: Service = "DongBoHoSoMC", directory: Directory = DIRECTORY, **sender: Any
) -> Translation:
    return translate(service, items, a_sender(**sender), directory, ZONE, Told("onestop", TOLD_AT))


def flags(**changed: Any) -> set[str]:
    found = translated(dossier(**changed))
    assert not found.rejected
    return {flag.kind for flag in found.flags}


def agency(found: Translation) -> str:
    return next(event.agency for event in found.events if isinstance(event, Received))


class TestRejects:
    @pytest.mark.parametrize(
        ("changed", "code", "field"),
        [
            ({"MaHoSo": ""}, "missing", "MaHoSo"),
            ({"MaHoSo": "của bà Hà"}, "invalid", "MaHoSo"),
            ({"MaHoSo": "001185012345"}, "personal", "MaHoSo"),
            ({"MaHoSo": "H26-0912345678"}, "personal", "MaHoSo"),
            ({"MaTTHC": "bich.ha@example.vn"}, "invalid", "MaTTHC"),
            ({"MaHoSo": ["H26"]}, "unreadable", "MaHoSo"),
            ({"NgayTiepNhan": ""}, "missing", "NgayTiepNhan"),
            ({"NgayTiepNhan": "02/03/2026"}, "invalid", "NgayTiepNhan"),
            ({"NgayTiepNhan": "20260230080000"}, "invalid", "NgayTiepNhan"),
            ({"NgayHenTra": "19700101000000"}, "invalid", "NgayHenTra"),
            ({"NgayTiepNhan": "20260320120000"}, "future", "received"),
            ({"KenhThucHien": "4"}, "invalid", "KenhThucHien"),
            ({"DanhSachLePhi": [{"Gia": "rất nhiều"}]}, "invalid", "Gia"),
            ({"TaiLieuNop": "x"}, "unreadable", "TaiLieuNop"),
            ({"DanhSachHoSoBoSung": [supplement("20260303080000")] * 201}, "invalid", "DanhSachHoSoBoSung"),
            ({"DonViXuLy": "Sở Tư pháp"}, "agency", "DonViXuLy"),
            ({"DonViXuLy": "H26.18"}, "agency", "DonViXuLy"),
        ],
    )
    def test_an_item_that_is_wrong_is_put_aside_with_reason_and_field(
        self, changed: dict[str, Any], code: str, field: str
    ) -> None:
        found = translated(dossier(), dossier(**changed), dossier(MaHoSo="H26.17-260302-0003"))
        (put,) = found.rejected
        assert (put.place, put.error.code, put.error.field) == (1, code, field)
        assert {event.dossier for event in found.events} == {"H26.17-260302-0001", "H26.17-260302-0003"}

    def test_what_is_no_object_is_put_aside(self) -> None:
        assert [put.error.code for put in translated("x", None, 7, []).rejected] == ["unreadable"] * 4

    def test_progress_needs_its_time(self) -> None:
        found = translated(progress(ThoiDiemXuLy=""), service="CapNhatTienDoHoSoMC")
        assert [put.error.field for put in found.rejected] == ["ThoiDiemXuLy"]


class TestAgencies:
    @pytest.mark.parametrize(
        ("named", "code"),
        [
            ("Sở  xây DỰNG", "H26.17"),
            ("Phòng Cấp phép", "H26.17.1"),
            ("H26.17.1", "H26.17.1"),
            ("000.00.17.H26", "H26.17"),
            ("SXD1", "H26.17"),
            ("H26.17.25", "H26.17.25"),
            ("000.25.17.H26", "H26.17.25"),
            ("", "H26.17"),
        ],
    )
    def test_an_agency_is_found_by_name_code_alias_or_the_code_of_the_dossier(self, named: str, code: str) -> None:
        found = translated(dossier(DonViXuLy=named))
        assert agency(found) == code
        assert not found.flags

    def test_an_unknown_name_is_counted_for_the_sender_and_listed(self) -> None:
        found = translated(dossier(DonViXuLy="Phòng Mới", MaHoSo="X01-260302-9"), directory=NOTHING_DECLARED)
        assert agency(found) == "H26.17"
        assert {"unknown_agency", "foreign_code"} <= {flag.kind for flag in found.flags}
        assert found.unknown == {"Phòng Mới": "H26.17"}

    def test_a_foreign_code_is_flagged_and_the_named_agency_counts(self) -> None:
        found = translated(dossier(MaHoSo="G01.899.001-260302-0001"))
        assert agency(found) == "H26.17"
        assert {flag.kind for flag in found.flags} == {"foreign_code"}


class TestFlags:
    def test_a_sound_dossier_has_none(self) -> None:
        assert flags() == set()

    @pytest.mark.parametrize(
        ("flag", "changed"),
        [
            ("missing_channel", {"KenhThucHien": ""}),
            ("missing_status", {"TrangThaiHoSo": ""}),
            ("unmapped_status", {"TrangThaiHoSo": "11"}),
            ("term_before_reception", {"NgayHenTra": "20260301170000"}),
            (
                "finish_at_reception",
                {"NgayHenTra": "", "TrangThaiHoSo": "9", "NgayTra": "20260302080000"},
            ),
            ("finish_before_reception", {"TrangThaiHoSo": "9", "NgayTra": "20260302075959"}),
            ("finish_without_date", {"TrangThaiHoSo": "9"}),
            (
                "finish_while_waiting",
                {
                    "TrangThaiHoSo": "9",
                    "NgayTra": "20260305080000",
                    "DanhSachHoSoBoSung": [supplement("20260303080000")],
                },
            ),
            ("wait_without_dates", {"TrangThaiHoSo": "5"}),
            ("wait_without_dates", {"TrangThaiHoSo": 6}),
        ],
    )
    def test_a_distortion_is_flagged_and_counted_as_it_was_told(self, flag: str, changed: dict[str, Any]) -> None:
        assert flags(**changed) == {flag}

    def test_a_wait_with_its_dates_is_sound(self) -> None:
        assert flags(TrangThaiHoSo="5", DanhSachHoSoBoSung=[supplement("20260303080000")]) == set()

    def test_what_statuses_mean_is_configuration(self) -> None:
        other = translated(dossier(TrangThaiHoSo="8"), statuses="suspending")
        assert {flag.kind for flag in other.flags} == {"wait_without_dates"}
        assert "stopped" in {event.__struct_config__.tag for event in translated(dossier(TrangThaiHoSo="8")).events}
        own = translated(dossier(TrangThaiHoSo="12", NgayTra="20260305080000"), status={"12": "resolved"})
        assert "resolved" in {event.__struct_config__.tag for event in own.events}


class TestProgress:
    def test_the_latest_step_in_time_holds_and_a_resend_corrects(self) -> None:
        first, second, changed = (
            translated(each, service="CapNhatTienDoHoSoMC").events[0]
            for each in (
                progress(ThoiDiemXuLy="20260303090000"),
                progress(ThoiDiemXuLy="20260304090000", TrangThai="5"),
                progress(ThoiDiemXuLy="20260304090000", TrangThai="4"),
            )
        )
        assert (second.recorded, second.step) > (first.recorded, first.step)  # type: ignore[attr-defined]
        assert second.id != changed.id
        assert (second.step, changed.step) == ("supplement", "processing")  # type: ignore[attr-defined]


class TestPrivacy:
    def test_nothing_personal_is_taken_over(self) -> None:
        found = translated(dossier())
        steps = translated(progress(), service="CapNhatTienDoHoSoMC")
        published = b"\n".join(map(encode_event, [*found.events, *steps.events])).decode()
        for personal in PERSONAL:
            assert personal not in published
        assert not found.unknown

    @pytest.mark.parametrize("field", [*dossier(), "DSKetNoiCSDL"])
    @pytest.mark.parametrize("personal", PERSONAL)
    def test_whatever_a_field_holds_it_is_refused_or_left_behind(self, field: str, personal: str) -> None:
        found = translated(dossier(**{field: personal}))
        written = [*map(encode_event, found.events), *(repr(flag).encode() for flag in found.flags)]
        assert not any(personal.encode() in each or personal.encode("ascii", "replace") in each for each in written)
        assert all(personal not in str(put.error) for put in found.rejected)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(PERSONAL),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*dossier()]), values), st.sampled_from(["DongBoHoSoMC", "CapNhatTienDoHoSoMC"]))
def test_whatever_comes_is_taken_or_put_aside(changed: dict[str, Any], service: Service) -> None:
    found = translated(dossier(**changed), progress(**changed), service=service)
    assert len(found.rejected) + len({event.dossier for event in found.events}) >= 1 or not found.events
    text = json.dumps([str(put.error) for put in found.rejected])
    assert not re.search("|".join(map(re.escape, PERSONAL)), text)
