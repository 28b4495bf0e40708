"""Officials: a code names one, and no person."""

from schemas.reference.official import Official
from schemas.reference.official_checks import official_flaws


def test_codes_that_name_two_officials_or_a_person() -> None:
    officials = [
        Official(code="cb-1", unit="U", name="Nguyễn Thị Mẫu"),
        Official(code="CB-1", unit="U", name="Trần Văn Thử"),
        Official(code="cb-1", unit="V"),
        Official(code="cb-1", unit="U", name="Nguyễn Thị Mẫu"),
        Official(code="lê thị ví dụ", unit="U", name="Lê Thị Ví Dụ"),
    ]
    flaws = official_flaws(officials)
    assert [(flaw.row, flaw.wrong, flaw.other) for flaw in flaws] == [
        (1, "differs only in case from the code 'cb-1'", 0),
        (2, "is the code of another row as well", 0),
        (3, "is the same row again", 0),
        (4, "is the name: codes stand in events, so they must not tell who it is", None),
    ]
    assert "Ví Dụ" not in str(flaws)


def test_a_name_is_not_in_what_is_printed() -> None:
    assert repr(Official(code="cb-1", unit="U", name="Nguyễn Thị Mẫu")) == "Official(code='cb-1', unit='U')"
