"""What a receiver of alerts sees, and what happens while it is away."""

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from msgspec import structs

from schemas.alerts import Alert
from schemas.connection import Secret, Webhook
from streams.alerts.names import Names
from streams.alerts.webhook import deliver, deliveries, signature
from tests.schemas.test_alerts import alert

NOW = datetime(2026, 3, 2, 10, 0, 5, tzinfo=UTC)
SECRET = Secret("a secret of some length")
NAMES = Names({"H01.12": "Sở Xây dựng"}, {"1.004194": 'Đăng ký "tạm trú"'})
(DELIVERY,) = deliveries([alert(7)], NAMES)


def unexpected(seconds: float) -> None:
    pytest.fail(f"it pauses for {seconds} s")


class Receiver:
    """A receiver that gives these answers, one after another, and keeps what it was sent."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.received: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), body))
                self.send_response(receiver.answers.pop(0))
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.webhook = Webhook(f"http://127.0.0.1:{self.server.server_port}/late?token=hush", SECRET)
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    found = Receiver(*getattr(request, "param", (200,)))
    yield found
    found.close()


def test_a_delivery_is_of_one_agency_and_bounded() -> None:
    many: list[Alert] = [alert(seq, "A" if seq % 3 else "B") for seq in range(1, 1201)]
    found = list(deliveries(many, NAMES))
    assert [(each.agency, len(each.alerts)) for each in found] == [("A", 500), ("A", 300), ("B", 400)]
    assert sorted(one.seq for each in found for one in each.alerts) == list(range(1, 1201))
    assert list(deliveries([], NAMES)) == []


@pytest.mark.loopback
def test_a_receiver_can_tell_who_sent_it_and_when(receiver: Receiver) -> None:
    deliver(receiver.webhook, DELIVERY, lambda: NOW, unexpected)
    ((headers, body),) = receiver.received
    signed = headers["Dossier-Timestamp"].encode() + b"." + body
    assert headers["Dossier-Timestamp"] == str(round(NOW.timestamp()))
    assert headers["Dossier-Signature"] == "sha256=" + hmac.digest(b"a secret of some length", signed, "sha256").hex()
    assert json.loads(body) == {
        "agency": "H01.12",
        "agency_name": "Sở Xây dựng",
        "alerts": [
            {
                "seq": 7,
                "dossier": "H01.2026.000007",
                "state": "raised",
                "level": "overdue",
                "why": "",
                "agency": "H01.12",
                "procedure": "1.004194",
                "procedure_name": 'Đăng ký "tạm trú"',
                "term": "2026-03-02T10:00:00Z",
                "at": "2026-03-02T10:00:01Z",
                "rule": "",
                "deadline": None,
            }
        ],
    }


def test_without_reference_data_names_are_empty() -> None:
    (delivery,) = deliveries([alert(7)], Names())
    assert (delivery.agency_name, delivery.alerts[0].procedure_name) == ("", "")


def test_the_signature_covers_secret_time_and_body() -> None:
    whole = signature(SECRET, "1", b"{}")
    assert whole == "sha256=" + hmac.new(b"a secret of some length", b"1.{}", hashlib.sha256).hexdigest()
    assert (
        len(
            {
                whole,
                signature(Secret("another"), "1", b"{}"),
                signature(SECRET, "2", b"{}"),
                signature(SECRET, "1", b"{ }"),
            }
        )
        == 4
    )


@pytest.mark.loopback
@pytest.mark.parametrize("receiver", [(500, 429, 404, 302, 401, 204)], indirect=True)
def test_what_is_not_taken_is_sent_again_after_longer_and_longer_pauses(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    with caplog.at_level(logging.WARNING):
        deliver(receiver.webhook, DELIVERY, lambda: NOW, pauses.append)
    assert pauses == [1, 2, 4, 8, 16]
    assert len({body for _, body in receiver.received}) == 1
    assert [record.__dict__["reason"] for record in caplog.records] == [
        f"it answers {code}" for code in (500, 429, 404, 302, 401)
    ]


@pytest.mark.loopback
def test_a_receiver_that_is_away_is_waited_for_and_its_address_not_shown(
    caplog: pytest.LogCaptureFixture, unused_port: int
) -> None:
    away = Webhook(f"http://127.0.0.1:{unused_port}/late?token=hush", SECRET)
    pauses: list[float] = []

    class Enough(Exception):
        pass

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 12:
            raise Enough

    with caplog.at_level(logging.WARNING), pytest.raises(Enough):
        deliver(away, DELIVERY, lambda: NOW, pause)
    assert pauses[-2:] == [300, 300]
    assert "hush" not in str([record.__dict__ for record in caplog.records])


def test_no_secret_shows() -> None:
    webhook = Webhook("https://alerts.example/late?token=hush", SECRET)
    assert webhook.host == "alerts.example"
    assert "a secret" not in repr(webhook)
    assert structs.asdict(webhook)["secret"] == SECRET
