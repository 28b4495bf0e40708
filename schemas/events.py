"""Lifecycle events of dossiers and of feedback cases: one struct a kind, a union tagged by `kind`.

An event says that a source recorded something about one case. Unknown fields are tolerated; an unknown kind, a missing
field or a value outside its limits is not. Every value that passes decoding fits its column in ClickHouse.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from schemas.instant import Instant, check_instant
from schemas.official_code import OfficialCode, check_official

EventId = Annotated[str, Meta(min_length=1, max_length=100, description="Deterministic from the source's record")]
CaseId = Annotated[str, Meta(min_length=1, max_length=100, description="The source's id of the dossier or feedback")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Reason = Annotated[str, Meta(min_length=1, max_length=200, description="A code or phrase free of personal data")]
Number = Annotated[int, Meta(ge=1, le=1000, description="Which one of its kind within the dossier, from 1")]
Quantity = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0, le=10**12, description="Whole units of the currency (đồng)")]
Sequence = Annotated[int, Meta(ge=0, le=2**63 - 1, description="The source's own order of its records")]

MAX_NUMBERED = 1000
"""Payments, refunds, extensions, supplements, obligations and pauses, with their answers, of one case all together."""

Value: TypeAlias = str | int | bool | None
Payload: TypeAlias = tuple[Value, ...]
"""The fields of a kind in their order, instants as microseconds since 1970; it ends before an official that is None."""

Channel = Literal["direct", "online", "postal"]
PaymentMethod = Literal["online", "cash", "transfer"]


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="kind", tag=_snake_case):
    """What every event carries.

    `dossier` is the id of the case: of a dossier, or of a feedback, which has its own. `occurred_at` is when it
    happened, `recorded_at` when the source recorded it (None: at once); a correction repeats the event with a later
    `recorded_at`. Of two records of the same fact, the one with the greater (recorded_at, seq, id) holds.
    """

    id: EventId
    dossier: CaseId
    source: Name
    occurred_at: Instant
    recorded_at: Instant | None = None
    seq: Sequence = 0

    @property
    def recorded(self) -> datetime:
        """When the source recorded it: `recorded_at`, or `occurred_at` where it is not given."""
        return self.recorded_at or self.occurred_at

    def __post_init__(self) -> None:
        check_instant("occurred_at", self.occurred_at)
        if self.recorded_at is not None:
            check_instant("recorded_at", self.recorded_at)


class Received(Event, frozen=True):
    """A dossier was received (tiếp nhận); `receiver` where the office that took it in is not the deciding agency."""

    agency: Name
    channel: Channel = "direct"
    procedure: Name | None = None
    receiver: Name | None = None
    fee_bearing: bool = False


class FeedbackReceived(Event, frozen=True):
    """A feedback (phản ánh, kiến nghị) was received: a case of its own, which `dossier` names."""

    agency: Name
    channel: Channel = "direct"


class Progressed(Event, frozen=True):
    """A step of processing was completed or begun (cập nhật tiến độ), in a unit, by the official with this code."""

    step: Name
    unit: Name | None = None
    official: OfficialCode | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.official is not None:
            check_official(self.official)


class Assigned(Event, frozen=True):
    """An agency was made responsible for the dossier, within it a unit and the official with this code."""

    agency: Name
    unit: Name | None = None
    official: OfficialCode | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.official is not None:
            check_official(self.official)


class Transferred(Event, frozen=True):
    """Responsibility moved from one agency to another: all of the dossier's counts move with it."""

    agency: Name
    previous_agency: Name | None = None


class TermSet(Event, frozen=True):
    """The appointment date (hạn trả) was set: the original term."""

    term: Instant

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        check_instant("term", self.term)


class Extended(Event, frozen=True):
    """The term was extended (gia hạn); the extension with the highest number gives the current term."""

    term: Instant
    number: Number = 1
    apology: bool = False
    reason: Reason | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        check_instant("term", self.term)


class SupplementRequested(Event, frozen=True):
    """The citizen was asked for supplements (yêu cầu bổ sung)."""

    number: Number = 1
    reason: Reason | None = None


class SupplementAnswered(Event, frozen=True):
    """The supplements of this number were handed in."""

    number: Number = 1


class ObligationSet(Event, frozen=True):
    """A financial obligation (nghĩa vụ tài chính) must be met before processing goes on."""

    number: Number = 1
    amount: Amount | None = None


class ObligationMet(Event, frozen=True):
    """The financial obligation of this number was met."""

    number: Number = 1


class Paused(Event, frozen=True):
    """The clock was stopped for another reason than a supplement or an obligation."""

    number: Number = 1
    reason: Reason | None = None


class Resumed(Event, frozen=True):
    """The clock runs again after the pause of this number."""

    number: Number = 1


class Resolved(Event, frozen=True):
    """Processing finished with a result (đã xử lý xong); `e_result` where the result is an electronic file."""

    e_result: bool = False


class Withdrawn(Event, frozen=True):
    """The citizen withdrew the dossier (rút hồ sơ)."""

    reason: Reason | None = None


class Refused(Event, frozen=True):
    """The agency refused the dossier (từ chối)."""

    reason: Reason | None = None


class Stopped(Event, frozen=True):
    """Processing was stopped without a result (dừng xử lý)."""

    reason: Reason | None = None


class Reopened(Event, frozen=True):
    """The outcome on record was wrong or taken back: the dossier is open again."""

    reason: Reason | None = None


class FeedbackAnswered(Event, frozen=True):
    """A feedback was answered: the outcome of its case."""


class Returned(Event, frozen=True):
    """The result was handed to the citizen (đã trả kết quả)."""


class Paid(Event, frozen=True):
    """A payment was confirmed; `transaction` is the payment platform's own id."""

    transaction: Name
    amount: Amount
    method: PaymentMethod
    gateway: Name | None = None


class Refunded(Event, frozen=True):
    """The payment of this transaction was given back, in whole or in part."""

    transaction: Name
    amount: Amount


class Digitised(Event, frozen=True):
    """How much of the dossier exists digitally (số hóa): its components, those digitised, those re-used."""

    components: Quantity
    digitised: Quantity = 0
    reused: Quantity = 0
    result: bool = False

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if max(self.digitised, self.reused) > self.components:
            raise ValueError(
                f"digitised = {self.digitised} and reused = {self.reused} exceed components = {self.components}"
            )


class Rated(Event, frozen=True):
    """The citizen rated the service; `satisfied` is the source's own reading of its scale."""

    satisfied: bool
    score: Annotated[int, Meta(ge=1, le=5)] | None = None


class Amended(Event, frozen=True):
    """Single fields of the reception were corrected; what is None stays as it was."""

    agency: Name | None = None
    channel: Channel | None = None
    procedure: Name | None = None
    received_at: Instant | None = None
    fee_bearing: bool | None = None

    def __post_init__(self) -> None:
        Event.__post_init__(self)
        if self.received_at is not None:
            check_instant("received_at", self.received_at)


class Voided(Event, frozen=True):
    """The case was entered by mistake and counts nowhere; with `voided` false it counts again."""

    voided: bool = True
    reason: Reason | None = None


AnyEvent = (
    Received
    | FeedbackReceived
    | Progressed
    | Assigned
    | Transferred
    | TermSet
    | Extended
    | SupplementRequested
    | SupplementAnswered
    | ObligationSet
    | ObligationMet
    | Paused
    | Resumed
    | Resolved
    | Withdrawn
    | Refused
    | Stopped
    | Reopened
    | FeedbackAnswered
    | Returned
    | Paid
    | Refunded
    | Digitised
    | Rated
    | Amended
    | Voided
)


KINDS: dict[str, type[Event]] = {str(kind.__struct_config__.tag): kind for kind in AnyEvent.__args__}
"""Every kind by the name it has on the wire."""

_HEADER = {field.name for field in msgspec.structs.fields(Event)}
PAYLOAD_FIELDS: dict[str, tuple[str, ...]] = {
    name: tuple(field.name for field in msgspec.structs.fields(kind) if field.name not in _HEADER)
    for name, kind in KINDS.items()
}
"""The fields each kind adds to what every event carries."""
INSTANT_FIELDS: dict[str, str] = {
    name: field.name
    for name, kind in KINDS.items()
    for field in msgspec.structs.fields(kind)
    if field.name not in _HEADER and field.type in (Instant, Instant | None)
}
"""The one of these that is an instant, of the kinds that have one."""
