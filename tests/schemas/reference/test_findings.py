"""A finding is one line that names file, line, column and value, whatever they hold."""

from schemas.reference.findings import Finding, printable, quoted


def test_a_finding_names_its_place() -> None:
    assert str(Finding("a.csv", 3, "parent", "H27", "is unknown")) == "a.csv:3: parent: 'H27': is unknown"
    assert (
        str(Finding("a.xlsx", 3, "parent", "H27", "is unknown", "S!B3")) == "a.xlsx:3 (S!B3): parent: 'H27': is unknown"
    )
    assert str(Finding("a.csv", 3, "parent", "", "is empty")) == "a.csv:3: parent: is empty"
    assert str(Finding("a.csv", 3, "", "", "is not UTF-8")) == "a.csv:3: is not UTF-8"


def test_what_a_terminal_would_act_upon_is_escaped() -> None:
    assert printable("Sở\u00a0\x1b[31m\u202e\r\n") == r"Sở\xa0\x1b[31m\u202e\r\n"
    assert "\n" not in str(Finding("a\n.csv", 3, "c\n", "v\n", "is wrong", "S\n!B3"))


def test_long_values_are_cut() -> None:
    assert quoted("đ" * 300) == f"'{'đ' * 100}…'"
