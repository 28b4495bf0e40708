import pytest

from deploy.embedded.platform import Options, Platform
from streams.broker.group import members


@pytest.mark.kafka
def test_a_broker_that_never_had_a_worker_has_no_members(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Platform(tmp_path_factory.mktemp("fresh"), Options(clickhouse=False)) as platform:
        assert members(platform.kafka_access) == set()
