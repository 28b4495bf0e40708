"""A server's reader against the declared one, by what ClickHouse 26.9 shows of users."""

from msgspec import structs

from schemas.reader_access import CHANGEABLE, LIMITS
from schemas.reader_access_comparison import Behaviour, Catalogue, Element, compare_grants, compare_settings, judge

INHERITS = Element(None, "reader", None, None, None, None, "reader")


def setting(name: str, value: str | None, most: str | None = None, writability: str | None = None) -> Element:
    return Element("reader", None, name, value, most, writability, None)


ELEMENTS = (
    INHERITS,
    Element("default", None, "max_memory_usage", "10000000000", None, None, None),
    setting("readonly", "1"),
    *(setting(name, str(most), str(most), "CHANGEABLE_IN_READONLY") for name, most in LIMITS.items()),
    *(setting(name, None, None, "CHANGEABLE_IN_READONLY") for name in CHANGEABLE),
)
GRANT = "GRANT SELECT, dictGet ON dossiers.* TO reader"
REVOKE = "REVOKE SELECT ON dossiers.official_names FROM reader"
DECLARED = Catalogue("['sha256_password']", (GRANT, REVOKE), ELEMENTS)


def changed(name: str, **fields: str | None) -> list[str]:
    """The differences where this setting of the profile is another one."""
    return compare_settings(
        structs.replace(each, **fields) if (each.profile, each.setting) == ("reader", name) else each
        for each in ELEMENTS
    )


def test_the_declared_reader_has_no_difference() -> None:
    found = judge(DECLARED, Behaviour(logs_in=True), "dossiers")
    assert (found.differences, found.statements, found.unchecked) == ((), (), "")
    assert found.compared == ("its grants and settings", "what it can do")


def test_what_it_has_beyond_the_declared_grant_is_revoked() -> None:
    shown = [
        "GRANT FILE ON *.* TO reader",
        "GRANT SELECT, INSERT, dictGet ON `dossiers`.* TO reader",
        "REVOKE SELECT ON dossiers.secret FROM reader",
        REVOKE,
        "GRANT SELECT(a, b), SHOW COLUMNS ON dossiers.x TO reader WITH GRANT OPTION",
        "GRANT SELECT ON system.users TO reader",
        "GRANT hr, finance TO reader",
    ]
    differences, statements, also = compare_grants(shown, "dossiers")
    assert differences == [
        "`reader` has FILE ON *.*, which is not declared",
        "`reader` has INSERT ON `dossiers`.*, which is not declared",
        "`reader` lacks SELECT ON dossiers.secret",
        "`reader` has SELECT(a, b) ON dossiers.x WITH GRANT OPTION, which is not declared",
        "`reader` has SHOW COLUMNS ON dossiers.x WITH GRANT OPTION, which is not declared",
        "`reader` has SELECT ON system.users, which is not declared",
        "`reader` has hr, which is not declared",
        "`reader` has finance, which is not declared",
    ]
    assert statements[:3] == [
        "REVOKE FILE ON *.* FROM reader",
        "REVOKE INSERT ON `dossiers`.* FROM reader",
        "GRANT SELECT ON dossiers.secret TO reader",
    ]
    assert statements[-1] == "REVOKE finance FROM reader"
    assert also == []


def test_a_grant_on_everything_is_replaced_by_the_declared_one() -> None:
    differences, statements, _ = compare_grants(["GRANT SELECT ON *.* TO reader"], "dossiers")
    assert differences == [
        "`reader` has SELECT ON *.*, which is not declared",
        "`reader` lacks SELECT ON dossiers.*",
        "`reader` lacks dictGet ON dossiers.*",
        "`reader` has SELECT ON dossiers.official_names, which has personal data",
    ]
    assert statements == ["REVOKE SELECT ON *.* FROM reader", GRANT, REVOKE]


def test_a_reader_from_before_reference_data_gets_what_it_lacks_and_no_names_of_officials() -> None:
    differences, statements, _ = compare_grants(["GRANT SELECT ON dossiers.* TO reader"], "dossiers")
    assert differences == [
        "`reader` lacks dictGet ON dossiers.*",
        "`reader` has SELECT ON dossiers.official_names, which has personal data",
    ]
    assert statements == [GRANT, REVOKE]
    differences, statements, _ = compare_grants([GRANT], "dossiers")
    assert differences == ["`reader` has SELECT ON dossiers.official_names, which has personal data"]
    assert statements == [REVOKE]


def test_a_database_of_another_deployment_is_told_and_no_difference() -> None:
    shown = [GRANT, REVOKE, "GRANT SELECT ON province_2.* TO reader", "GRANT SELECT(a) ON other.x TO reader"]
    assert compare_grants(shown, "dossiers") == ([], [], ["province_2.*", "other.x"])


def test_an_exception_from_a_grant_elsewhere_is_never_granted() -> None:
    shown = ["GRANT SELECT ON *.* TO reader", "REVOKE SELECT ON hr.* FROM reader", "REVOKE INSERT ON *.* FROM reader"]
    _, statements, _ = compare_grants(shown, "dossiers")
    assert statements == ["REVOKE SELECT ON *.* FROM reader", GRANT, REVOKE]


def test_a_line_in_another_form_is_a_difference() -> None:
    differences, statements, _ = compare_grants([GRANT, REVOKE, "GRANT SOMETHING NEW"], "dossiers")
    assert differences == ["`reader` has GRANT SOMETHING NEW, which is not declared"]
    assert statements == []


def test_settings_that_bound_less_are_told_with_both_values() -> None:
    assert changed("readonly", value="2") == ["readonly is 2, declared 1"]
    assert changed("max_threads", value="8") == ["max_threads is 8 with the maximum 4, declared 4"]
    assert changed("max_threads", most=None) == ["max_threads is 4 with the maximum not set, declared 4"]
    assert changed("max_execution_time", value="0") == ["max_execution_time is 0 with the maximum 60, declared 60"]
    assert changed("max_threads", value="2", most="2") == []
    assert changed("final", writability=None) == ["final cannot be changed by `reader`, declared changeable"]
    more = compare_settings([*ELEMENTS, setting("allow_ddl", "0", None, "CHANGEABLE_IN_READONLY")])
    assert more == ["allow_ddl can be changed by `reader`, declared not changeable"]


def test_what_the_profile_does_not_set_comes_from_the_servers_default() -> None:
    without = [each for each in ELEMENTS if (each.profile, each.setting) != ("reader", "max_memory_usage")]
    assert compare_settings(without) == [
        "max_memory_usage is 10000000000 with the maximum not set, declared 2147483648",
        "max_memory_usage cannot be changed by `reader`, declared changeable",
    ]


def test_a_reader_without_its_profile_has_all_settings_replaced() -> None:
    bare = Catalogue(
        "['sha256_password']", (GRANT, REVOKE), (Element(None, "reader", None, None, None, None, "default"),)
    )
    found = judge(bare, None, "dossiers")
    assert "readonly is not set, declared 1" in found.differences
    assert [statement.split(" reader SETTINGS")[0] for statement in found.statements] == [
        "CREATE SETTINGS PROFILE OR REPLACE",
        "ALTER USER",
    ]


def test_a_reader_without_a_password_gets_one() -> None:
    found = judge(structs.replace(DECLARED, authentication="['no_password']"), None, "dossiers")
    assert found.differences == ("`reader` needs no password",)
    assert found.statements == ("ALTER USER reader IDENTIFIED BY 'a-long-password'",)


def test_what_cannot_be_compared_is_told_plainly() -> None:
    unset = "and DOSSIER_GRAFANA_PASSWORD, its password, is not set"
    assert judge(None, None, "d").unchecked == f"this ClickHouse user may not see users, {unset}"
    assert judge(Catalogue(""), None, "d").unchecked == f"ClickHouse shows no user `reader`, {unset}"


def test_a_reader_that_is_not_there_is_created() -> None:
    found = judge(Catalogue(""), Behaviour(logs_in=False), "dossiers")
    assert len(found.differences) == 1
    assert [statement.split(" reader")[0] for statement in found.statements] == [
        "CREATE SETTINGS PROFILE IF NOT EXISTS",
        "CREATE USER IF NOT EXISTS",
        "GRANT SELECT, dictGet ON dossiers.* TO",
        "REVOKE SELECT ON dossiers.official_names FROM",
    ]


def test_what_it_can_do_is_enough_to_tell() -> None:
    behaviour = Behaviour(True, ("`reader` can read URLs",), ("max_threads can be raised above 4",))
    found = judge(None, behaviour, "dossiers")
    assert found.differences == ("`reader` can read URLs", "max_threads can be raised above 4")
    assert found.statements[:2] == ("REVOKE ALL ON *.* FROM reader", GRANT)
    assert found.statements[-1] == "ALTER USER reader SETTINGS PROFILE 'reader'"
