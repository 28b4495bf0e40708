"""What is sent to the receiver to measure it is what it takes."""

import msgspec

from bench.receiver import BATCH, body
from connectors.portal.implied_events import Told
from connectors.portal.translation import translate
from tests.connectors.portal.messages import NOTHING_DECLARED, TOLD_AT, ZONE, sender


def test_every_item_of_a_batch_is_taken() -> None:
    items = msgspec.json.decode(body(20))["data"]
    found = translate("DongBoHoSoMC", items, sender(), NOTHING_DECLARED, ZONE, Told("bench", TOLD_AT))
    assert not found.rejected
    assert not found.flags
    assert len({event.dossier for event in found.events}) == BATCH
