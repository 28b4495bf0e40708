"""The sample reference data: it is right, and its merger adds up."""

from collections import Counter
from datetime import date
from pathlib import Path

from connectors.reference.reading import read_agencies, read_officials, read_procedures
from schemas.reference.agency_tree import AgencyTree
from schemas.reference.procedure import bears_fee

SAMPLES = Path(__file__).parents[3] / "samples"
AGENCIES = read_agencies([SAMPLES / "agencies.csv", SAMPLES / "agencies-merger.csv"])


def test_departments_of_two_provinces() -> None:
    departments = Counter(each.parent for each in AGENCIES if each.level == "department")
    assert departments == {"H01": 15, "H21": 14}
    assert AgencyTree(AGENCIES).place("000.00.00.H21", date(2026, 1, 1)) == ("H21",)


def test_communes_before_and_after_the_merger() -> None:
    tree, before, after = AgencyTree(AGENCIES), date(2025, 6, 30), date(2025, 7, 1)
    communes = [each.code for each in AGENCIES if each.level == "commune" and each.valid_to == before]
    assert {code: tree.place(code, after)[-1] for code in communes} == {
        "H21.D1.01": "H21.901",
        "H21.D1.02": "H21.901",
        "H21.D1.03": "H21.902",
        "H21.D1.04": "H21",  # divided among two: the history is the province's
        "H21.D1.05": "H21.D1.05",
        "H21.D2.01": "H21.903",
        "H21.D2.02": "H21.903",
    }
    assert tree.place("H21.D1.05", before) == ("H21", "H21.D1", "H21.D1.05")
    assert tree.place("H21.D1.05", after) == ("H21", "H21.D1.05")
    assert [tree.place(district, after) for district in ("H21.D1", "H21.D2")] == [("H21",), ("H21", "H21.903")]


def test_procedures_and_officials() -> None:
    procedures = read_procedures([SAMPLES / "procedures.csv"])
    online = next(each for each in procedures if each.code == "1.009994" and each.channel == "online")
    assert [bears_fee(online.fees, day) for day in (date(2025, 12, 31), date(2026, 1, 1))] == [False, True]
    units = {each.unit for each in read_officials([SAMPLES / "officials.csv"])}
    assert units <= {each.code for each in AGENCIES}
