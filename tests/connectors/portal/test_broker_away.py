"""A real broker that goes away: nothing is acknowledged meanwhile, and what is sent again then is taken."""

from pathlib import Path

import pytest
from kafka.admin import NewTopic

from connectors.publishing.publisher import connect
from deploy.embedded.platform import Options, Platform
from schemas.topics import EVENTS
from streams.broker import topics
from tests.connectors.portal.conftest import Make
from tests.connectors.portal.messages import dossier

pytestmark = pytest.mark.kafka


def test_a_broker_that_was_away_takes_what_is_sent_again(make: Make, tmp_path: Path) -> None:
    options = Options(clickhouse=False)
    with Platform(tmp_path / "platform", options) as platform:
        kafka = platform.kafka_access
        with topics.admin(kafka) as client:
            client.create_topics([NewTopic(EVENTS, 2, 1)])
        portal = make(connect=lambda: connect(kafka, max_block=5))
        assert portal.sync("DongBoHoSoMC", [dossier()]).status_code == 200
    answer = portal.sync("DongBoHoSoMC", [dossier(MaHoSo="H26.17-260302-0002")] * 10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    with Platform(tmp_path / "platform", options):
        answer = portal.sync("DongBoHoSoMC", [dossier(MaHoSo="H26.17-260302-0002")] * 10)
        assert answer.status_code == 200
        portal.commit.close()
