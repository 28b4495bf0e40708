"""The receiver as senders meet it: sessions, services, answers, limits, and what is acknowledged."""

import json
import logging
import threading
import time
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from connectors.errors import Unreachable
from connectors.portal.access import REPLAY_SECONDS, digest_of, signed
from connectors.portal.answers import KnownDossier
from connectors.portal.limits import Limits
from connectors.publishing.publisher import Publisher
from schemas.connection import Secret
from schemas.errors import DossierError
from tests.connectors.conftest import MemoryTransport
from tests.connectors.portal.conftest import HASH, KEY, PASSWORD, Make, Portal
from tests.connectors.portal.messages import PERSONAL, dossier, progress, sender

KEYED = {"X-Api-Key": KEY}


def kinds(portal: Portal) -> list[str]:
    return [event.__struct_config__.tag for _, event in portal.topic.events()]  # type: ignore[misc]


class TestOpenCps:
    """Login once, ask for the dossier, send it, then its progress: numbers and texts as the system expects them."""

    def test_a_dossier_and_its_progress(self, portal: Portal) -> None:
        answer = portal.post("/login", {"username": "onestop", "password": PASSWORD})
        assert answer.status_code == 200
        session = answer.json()["session"]
        assert answer.json()["error_code"] == "0"
        envelope = {"session": session, "madonvi": "000.00.17.H26"}
        asked = portal.post("/sync", {**envelope, "service": "TraCuuHoSo", "mahoso": "H26.17-260302-0001"})
        assert asked.json()["result"] == []
        body = {**envelope, "service": "DongBoHoSoMC", "isUpdating": "False", "data": [dossier(TaiLieuNop=[])]}
        sent = portal.post("/sync", body, headers={"dstcode": "VN:GOV:G22.99", "Charset": "utf-8"})
        assert (sent.status_code, sent.json()["error_code"]) == (200, "0")
        assert kinds(portal) == ["received", "term_set"]
        sent = portal.post("/sync", {**envelope, "service": "CapNhatTienDoHoSoMC", "data": [progress()]})
        assert sent.json()["error_code"] == "0"
        assert kinds(portal)[2:] == ["progressed"]

    def test_look_ups(self, portal: Portal) -> None:
        portal.told.known["H26.17-1"] = KnownDossier("H26.17-1", "H26.17", "4", "20260302080000", "", "", "")
        portal.told.known["H26.18-1"] = KnownDossier("H26.18-1", "H26.18", "4", "20260302080000", "", "", "")
        (found,) = portal.sync("TraCuuHoSo", mahoso="H26.17-1").json()["result"]
        assert (found["MaHoSo"], found["TrangThaiHoSo"], found["NgayHenTra"]) == ("H26.17-1", "4", "")
        assert portal.sync("TraCuuHoSo", mahoso="H26.18-1").json()["result"] == []
        (procedure,) = portal.sync("LayThuTuc", maTTHC="1.000894").json()["result"]
        assert procedure["TENTTHC"] == "Đăng ký kết hôn"
        assert procedure["LINHVUCTHUCHIEN"][0]["TENLINHVUC"] == "Hộ tịch"
        assert portal.sync("LayThuTuc", maTTHC="2.1").json()["result"] == []
        assert portal.sync("LayDanhSachTTHC").json()["result"] == [{"MATTHC": "1.000894", "TENTTHC": "Đăng ký kết hôn"}]
        codes = [each["MADONVI"] for each in portal.sync("LayDanhMucCoQuan").json()["result"]]
        assert sorted(codes) == ["H26", "H26.17", "H26.17.1", "H26.18"]

    def test_counts_that_cannot_be_read_are_asked_for_again(self, portal: Portal) -> None:
        portal.told.failure = DossierError("away")
        answer = portal.sync("TraCuuHoSo", mahoso="H26.17-1")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


class TestOlderForm:
    def test_a_bare_array_with_the_unit_in_the_query(self, make: Make) -> None:
        portal = make(sender(addresses=("10.1.2.0/24",)))
        path = "/SynsTTHCC/DongBoHoSoMC?MaDinhDanhDV=000.00.17.H26&isUpdating=True"
        batch = [dossier(MaHoSo=f"H26.17-260302-{number:04}") for number in range(10)]
        answer = portal.post(path, batch)
        assert (answer.status_code, answer.json()["error_code"]) == (200, "00")
        assert [each["error_code"] for each in answer.json()["result"]] == ["00"] * 10
        assert kinds(portal).count("received") == 10
        assert portal.post("/SynsTTHCC/CapNhatTienDoHoSoMC?MaDinhDanhDV=000.00.17.H26", [progress()]).status_code == 200
        assert portal.post(path, batch, address="10.9.9.9").status_code == 401

    def test_answers_are_per_item(self, portal: Portal) -> None:
        path = "/SynsTTHCC/DongBoHoSoMC?MaDinhDanhDV=000.00.17.H26"
        answer = portal.post(path, [dossier(), dossier(MaHoSo="")], headers=KEYED).json()
        assert answer["error_code"] == "1"
        assert [each["error_code"] for each in answer["result"]] == ["00", "102"]
        alone = portal.post(path, [dossier(MaHoSo="")], headers=KEYED).json()
        assert alone["error_code"] == "102"


class TestAccess:
    def test_nobody_is_believed_without_a_session_or_a_key(self, portal: Portal) -> None:
        body = {"service": "LayDanhSachTTHC", "madonvi": "000.00.17.H26"}
        for session in ("", "x", "ÿ", "a" * 2000, {"a": 1}):
            assert portal.post("/sync", {**body, "session": session}).status_code in (400, 401)
        assert portal.post("/sync", body, headers={"X-Api-Key": "another"}).status_code == 401
        assert portal.post("/login", {"username": "onestop", "password": "wrong"}).status_code == 401
        assert portal.post("/login", {"username": "nobody", "password": PASSWORD}).status_code == 401

    def test_a_sender_speaks_for_its_own_unit_only(self, portal: Portal) -> None:
        assert portal.sync("LayDanhSachTTHC", madonvi="000.00.18.H26").status_code == 403

    def test_a_session_outlives_the_receiver_and_ends_with_the_password(self, make: Make) -> None:
        session = make().post("/login", {"username": "onestop", "password": PASSWORD}).json()["session"]
        body = {"service": "LayDanhSachTTHC", "session": session}
        assert make().post("/sync", body).status_code == 200
        assert make(sender(password_hash=f"{HASH[:-1]}x")).post("/sync", body).status_code == 401

    def test_logins_are_limited(self, make: Make) -> None:
        portal = make(limits=Limits(logins=3))
        codes = [portal.post("/login", {"username": "x", "password": "y"}).status_code for _ in range(5)]
        assert codes == [401, 401, 401, 429, 429]

    def test_signatures(self, make: Make) -> None:
        key = "0123456789abcdef"
        signing = sender(api_keys=(digest_of(KEY),), hmac_key_file="f", hmac_key=Secret(key))
        portal = make(signing)
        content = json.dumps({"service": "LayDanhSachTTHC"}).encode()

        def status(at: float, signature: str) -> int:
            headers = {**KEYED, "X-Timestamp": str(int(at)), "X-Signature": f"sha256={signature}"}
            return portal.post("/sync", content=content, headers=headers).status_code

        now = time.time()
        assert status(now, signed(key, str(int(now)), content)) == 200
        assert status(now, signed("another", str(int(now)), content)) == 401
        assert status(now, signed(key, str(int(now)), content + b" ")) == 401
        old = now - REPLAY_SECONDS - 2
        assert status(old, signed(key, str(int(old)), content)) == 401
        assert portal.post("/sync", content=content, headers=KEYED).status_code == 401


class TestLimits:
    def test_bodies_and_items(self, make: Make) -> None:
        portal = make(limits=Limits(body=20_000, items=3))
        assert portal.sync("DongBoHoSoMC", [dossier()] * 3).status_code == 200
        assert portal.sync("DongBoHoSoMC", [dossier()] * 4).status_code == 413
        assert portal.post("/sync", content=b"x" * 20_001).status_code == 413

        async def chunks() -> Any:
            for _ in range(30):
                yield b"x" * 1000

        assert portal.post("/sync", content=chunks()).status_code == 413

    def test_a_rate_of_items(self, make: Make) -> None:
        portal = make(sender(api_keys=(digest_of(KEY),), items_per_second=1))
        assert portal.sync("DongBoHoSoMC", [dossier()] * 10).status_code == 200
        answer = portal.sync("DongBoHoSoMC", [dossier()] * 10)
        assert answer.status_code == 429
        assert 8 <= int(answer.headers["Retry-After"]) <= 11

    def test_requests_at_once(self, make: Make) -> None:
        portal = make(limits=Limits(requests=2))
        portal.topic.held = True
        threading.Timer(0.5, portal.topic.release).start()
        body = {"service": "DongBoHoSoMC", "data": [dossier()]}
        answers = portal.posts([("/sync", body)] * 5, headers=KEYED)
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503]
        assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)

    @pytest.mark.parametrize(
        "content",
        [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"service": {}}', b'{"data": []}', b'{"a":1}x'],
        ids=range(9),
    )
    def test_what_is_no_call_is_answered_as_such(self, portal: Portal, content: bytes) -> None:
        for path in ("/login", "/sync", "/SynsTTHCC/DongBoHoSoMC"):
            answer = portal.post(path, content=content, headers=KEYED)
            assert answer.status_code in (400, 401)
            assert answer.json()["error_code"] == str(answer.status_code)

    def test_other_addresses_and_services(self, portal: Portal) -> None:
        assert portal.post("/other", {}).json()["error_code"] == "404"
        assert portal.sync("XoaHoSo").status_code == 400
        assert portal.sync("DongBoHoSoMC", []).status_code == 400


class TestAcknowledging:
    def test_nothing_is_acknowledged_before_kafka_has_it(self, portal: Portal) -> None:
        portal.topic.held = True
        begun = time.monotonic()
        threading.Timer(0.4, portal.topic.release).start()
        assert portal.sync("DongBoHoSoMC", [dossier()]).status_code == 200
        assert time.monotonic() - begun > 0.35

    def test_what_kafka_refuses_is_sent_again_and_then_taken(self, make: Make) -> None:
        broken, whole = MemoryTransport(), MemoryTransport()
        broken.failure = KafkaTimeoutError("away")
        topics = iter([broken, whole])
        portal = make(connect=lambda: Publisher(next(topics), max_block=5))
        answer = portal.sync("DongBoHoSoMC", [dossier()])
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert portal.told.troubles
        assert portal.sync("DongBoHoSoMC", [dossier()]).status_code == 200
        assert len(whole.events()) == 4

    def test_while_no_broker_answers_nothing_is_acknowledged(self, make: Make) -> None:
        calls: list[int] = []

        def connect() -> Publisher:
            calls.append(1)
            if len(calls) == 1:
                broken = MemoryTransport()
                broken.failure = KafkaTimeoutError("away")
                return Publisher(broken, max_block=5)
            raise Unreachable("no broker")

        portal = make(connect=connect)
        assert [portal.sync("DongBoHoSoMC", [dossier()]).status_code for _ in range(3)] == [503] * 3

    def test_without_reference_data_nothing_is_guessed(self, make: Make) -> None:
        assert make(directory=None).sync("DongBoHoSoMC", [dossier()]).status_code == 503

    def test_requests_that_come_together_are_all_answered(self, portal: Portal) -> None:
        bodies = [
            ("/sync", {"service": "DongBoHoSoMC", "data": [dossier(MaHoSo=f"H26.17-260302-{number}")]})
            for number in range(50)
        ]
        assert {answer.status_code for answer in portal.posts(bodies, headers=KEYED)} == {200}
        assert kinds(portal).count("received") == 50


class TestPrivacy:
    def test_nothing_personal_reaches_the_topic_the_log_or_the_rejects(
        self, portal: Portal, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        name, phone, _, mail, identity, _ = PERSONAL
        items = [
            dossier(),
            dossier(MaHoSo=phone),
            dossier(NgayTiepNhan=name, MaTTHC=mail),
            dossier(DonViXuLy=name, MaHoSo="X1-260302-7"),
            dossier(NgayHenTra=identity, TrangThaiHoSo=mail),
        ]
        portal.sync("DongBoHoSoMC", items)
        portal.sync("CapNhatTienDoHoSoMC", [progress(), progress(ThoiDiemXuLy=name, MaHoSo="H26-1")])
        portal.sync(name, items)
        portal.post(f"/SynsTTHCC/DongBoHoSoMC?MaDinhDanhDV={name}", items, headers=KEYED)
        kept = portal.rejects.read_text()
        assert kept.count("redacted") == 5
        written = [*(value.decode() for _, value in portal.topic.records), caplog.text, kept, repr(portal.told.flags)]
        for personal in PERSONAL:
            for text in written:
                assert personal not in text
                assert json.dumps(personal)[1:-1] not in text
        assert "H26.17-260302-0001" in written[0]

    def test_rejects_say_where_and_why_and_keep_codes_and_dates(self, portal: Portal) -> None:
        portal.sync("DongBoHoSoMC", [dossier(), dossier(NgayTiepNhan="x", MaHoSo="H26.17-260302-0002")])
        portal.sync("DongBoHoSoMC", [dossier(DonViXuLy="Phòng Một cửa")])
        reject, agency = map(json.loads, portal.rejects.read_text().splitlines())
        assert (reject["place"], reject["field"], reject["sender"]) == (1, "NgayTiepNhan", "onestop")
        assert reject["item"]["MaHoSo"] == "H26.17-260302-0002"
        assert agency["name"] == "Phòng Một cửa"
        assert portal.rejects.stat().st_mode & 0o777 == 0o600

    def test_the_log_has_who_and_how_many(self, portal: Portal, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, logger="connectors.portal.app")
        portal.sync("DongBoHoSoMC", [dossier(), dossier(MaHoSo="")])
        record = caplog.records[-1]
        found = {name: record.__dict__[name] for name in ("sender", "service", "status", "items", "rejects")}
        assert found == {"sender": "onestop", "service": "DongBoHoSoMC", "status": 200, "items": 2, "rejects": 1}
