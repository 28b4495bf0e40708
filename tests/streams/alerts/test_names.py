"""Names of what alerts are about, looked up when they are delivered."""

import logging

import pytest

from schemas.connection import ClickHouseConnection
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion
from streams.alerts.names import Names, names_of
from streams.reference.kinds import KINDS
from streams.reference.loads import reload, write
from streams.storage.clickhouse_client import database
from tests.schemas.test_alerts import alert

NAME = "Sở \"Xây dựng\" <b>'x'</b> \\ |\n"


@pytest.mark.clickhouse
def test_names_are_those_of_the_current_load(clickhouse: ClickHouseConnection) -> None:
    alerts = [alert(1), alert(2, "it's \\ not declared")]
    assert names_of(clickhouse, alerts) == Names()
    agency = Agency(code="H01", name_vi=NAME, level="department", aliases=("H01.12",))
    procedure = ProcedureVersion(code="1.004194", name_vi="Đăng ký tạm trú", service_level="full")
    with database(clickhouse) as client:
        for kind, declared in ((KINDS["agencies"], agency), (KINDS["procedures"], procedure)):
            write(client, kind, [declared], by="lan")
            reload(client, kind)
    assert names_of(clickhouse, alerts) == Names({"H01.12": NAME}, {"1.004194": "Đăng ký tạm trú"})


@pytest.mark.loopback
def test_alerts_do_not_wait_for_names(unused_port: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert names_of(ClickHouseConnection("127.0.0.1", unused_port), [alert(1)]) == Names()
    assert "without names" in caplog.text
