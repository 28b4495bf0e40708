"""The facts of one case, as the oracle expects them in ClickHouse."""

from typing import Literal

from msgspec import Struct

Terms = Literal["instant", "date"]


class Case(Struct, frozen=True, gc=False):
    """The columns of `facts` of one case, but for `dossier`, `pos` and `registers`; times are microseconds in UTC.

    Of what is expected, the last four are empty: how a case stands is compared at instants, not by its steps.
    """

    partition: int
    case_kind: str
    voided: bool
    agency: str
    receiver: str
    channel: str
    procedure: str
    fee_bearing: bool
    received_at: int | None
    term_original: int | None
    term: int | None
    extended_at: tuple[int, ...]
    apologies: int
    step: str
    unit: str
    official: str
    step_at: int | None
    supplement_requested_at: tuple[int, ...]
    suspension: str
    suspended_at: int | None
    outcome: str
    outcome_at: int | None
    on_time: bool | None
    electronic_result: bool
    returned_at: int | None
    payment_at: tuple[int, ...]
    payment_amount: tuple[int, ...]
    payment_online: tuple[bool, ...]
    payment_refunded: tuple[int, ...]
    refund_at: tuple[int, ...]
    refund_amount: tuple[int, ...]
    digitised_at: int | None
    components: int
    components_digitised: int
    components_reused: int
    rated_at: int | None
    satisfied: bool
    score: int
    term_computed: int | None
    verdict_rule: tuple[int, ...] = ()
    verdict_since: tuple[int, ...] = ()
    verdict_standing: tuple[int, ...] = ()
    verdict_until: tuple[int, ...] = ()
