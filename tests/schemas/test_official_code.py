"""An official is named by an opaque code: names, logins, addresses and identity numbers stay out of events."""

import json

import pytest

from schemas.envelope import decode, decode_event, encode_event
from schemas.events import Progressed
from schemas.official_code import check_official
from tests.strategies import PUBLISHED
from tests.streams.cases import said

HEADER = {"id": "e", "dossier": "D1", "source": "s", "occurred_at": "2026-03-02T09:00:00+07:00"}
NAMES = [
    *("Nguyễn Văn An", "Nguyen Van An", "An", "nguyenvanan", "NGUYEN.VAN.AN", "Lê", "Hùng2", "Trần 2"),
    *("an.nv1@hanoi.gov.vn", "Phòng 1", "CB 17", "CB-17 ", "CB-17\n", "'CB-17'", "<b>1</b>", "CB|17", "１７"),
    *("001099012345", "0912345678", "+84912345678", "123456789", ""),
]


@pytest.mark.parametrize(
    "code",
    ["7", "CB-17", "000.00.17.H26/0012", "h26:cb_17", "12345678", "20260000000000001", "0f8fad5b-d9cb-469f-a165-7086"],
)
def test_a_code_is_taken_as_it_is(code: str) -> None:
    event = said(Progressed, "2026-03-02 09:00", step="review", official=code)
    assert decode_event(encode_event(event)) == event


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["progressed", "assigned"])
def test_what_may_tell_who_it_is_is_refused_and_not_repeated(kind: str, name: str) -> None:
    fields = {"step": "review"} if kind == "progressed" else {"agency": "H26"}
    sent = HEADER | fields | {"kind": kind, "official": name}
    (rejection,) = decode(json.dumps(sent).encode(), PUBLISHED).rejections
    assert (rejection.reason, rejection.field) == ("invalid", "official")
    assert not name or name not in rejection.detail


def test_the_reason_says_what_a_code_is() -> None:
    with pytest.raises(
        ValueError, match=r"^official = … is not the opaque code .* at least one digit.* never send a name$"
    ):
        check_official("Nguyễn Văn An")
