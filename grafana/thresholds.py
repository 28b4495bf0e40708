"""Figures with their targets and limits: panels take colours from them, alert rules their thresholds."""

from typing import Literal

from msgspec import Struct


class Figure(Struct, frozen=True):
    """A figure: its name in SQL, its titles, and which values are good.

    `target` is the value to reach: at least where `better` is `higher`, at most where it is `lower`. A value that
    misses it is watched up to `limit`, and missed beyond. Shares are between 0 and 1. A figure without a
    target is only displayed.
    """

    name: str
    vietnamese: str
    english: str
    description: str
    unit: Literal["count", "share", "seconds", "money"]
    better: Literal["higher", "lower"] = "higher"
    target: float | None = None
    limit: float | None = None


OVERDUE = Figure(
    "overdue",
    "Đang giải quyết quá hạn",
    "Overdue now",
    "Open dossiers that are overdue by the leading rule, as of now.",
    "count",
    better="lower",
    target=0,
    limit=100,
)
RESOLVED_LATE = Figure(
    "late",
    "Đã giải quyết quá hạn",
    "Resolved late",
    "Dossiers that ended in the period and were late by the leading rule.",
    "count",
    better="lower",
    target=0,
    limit=50,
)
OVERALL_ON_TIME = Figure(
    "overall_on_time_rate",
    "Tỷ lệ đúng hạn chung",
    "Overall on time",
    "Ended in the period in time plus open in time, over ended in the period plus open, by the leading rule.",
    "share",
    target=0.98,
    limit=0.9,
)
OPEN = Figure(
    "open",
    "Đang giải quyết",
    "Being processed",
    "Dossiers received and without an outcome, as of now.",
    "count",
)
RESOLVED_ON_TIME = Figure(
    "on_time",
    "Đã giải quyết đúng hạn",
    "Resolved on time",
    "Dossiers that ended in the period and were in time by the leading rule.",
    "count",
)
RECEIVED = Figure("received", "Đã tiếp nhận", "Received", "Dossiers received in the period.", "count")
ONLINE = Figure(
    "online_rate",
    "Tỷ lệ hồ sơ trực tuyến",
    "Online rate",
    "Dossiers received online over dossiers received, in the period.",
    "share",
    target=0.5,
    limit=0.4,
)
ONLINE_PAYMENT = Figure(
    "online_payment_rate",
    "Tỷ lệ thanh toán trực tuyến",
    "Online payment rate",
    "Fee-bearing dossiers received in the period that were paid online, over fee-bearing dossiers received.",
    "share",
    target=0.6,
    limit=0.4,
)
DIGITISATION = Figure(
    "digitisation_rate",
    "Tỷ lệ số hóa hồ sơ",
    "Digitisation rate",
    "Digitised components over components of the dossiers whose digitisation was recorded in the period.",
    "share",
    target=0.8,
    limit=0.6,
)
SATISFACTION = Figure(
    "satisfaction_rate",
    "Mức độ hài lòng",
    "Satisfaction",
    "Dossiers rated satisfactory over dossiers rated, in the period.",
    "share",
    target=0.9,
    limit=0.8,
)
FEEDBACK_ON_TIME = Figure(
    "feedback_on_time_rate",
    "Phản ánh, kiến nghị đúng hạn",
    "Feedback answered on time",
    "Feedback cases answered within their term over feedback cases answered, in the period.",
    "share",
    target=0.95,
    limit=0.85,
)
FIGURES = (
    OVERDUE,
    RESOLVED_LATE,
    OVERALL_ON_TIME,
    OPEN,
    RESOLVED_ON_TIME,
    RECEIVED,
    ONLINE,
    ONLINE_PAYMENT,
    DIGITISATION,
    SATISFACTION,
    FEEDBACK_ON_TIME,
)
"""The eleven figures of a wallboard, the worst thing first."""

DATA_AGE = Figure(
    "seconds",
    "Dữ liệu cập nhật cách đây",
    "Age of the data",
    "Seconds since the newest event that is counted. Red where data has stopped, and where there is none.",
    "seconds",
    better="lower",
    target=60,
    limit=300,
)
"""How old the newest counted event may be, in seconds."""

AGENCY_OVERDUE = Figure(
    "overdue",
    "Hồ sơ quá hạn",
    "Overdue dossiers of an agency",
    "Open dossiers of one agency that are overdue by the leading rule, as of now.",
    "count",
    better="lower",
    target=0,
    limit=20,
)
DUE_SOON = Figure(
    "due_soon",
    "Hồ sơ sắp đến hạn",
    "Due soon",
    "Open dossiers of one agency that are due soon by the leading rule: within 24 hours, unless the profile says "
    "otherwise.",
    "count",
    better="lower",
    target=0,
    limit=10,
)
ON_TIME = Figure(
    "on_time_rate",
    "Tỷ lệ giải quyết đúng hạn",
    "On-time rate",
    "Dossiers that ended in the period in time, over those that ended and that the leading rule judges.",
    "share",
    target=0.98,
    limit=0.9,
)
MINIMUM_VOLUME = 20
"""With fewer dossiers a rate is not meaningful: one dossier would move it by more than five points."""

SOURCE_AGE = Figure(
    "seconds",
    "Nguồn không gửi dữ liệu",
    "Age of a source's newest event",
    "Seconds since a source last published an event. A quiet weekend is normal, a longer silence is not.",
    "seconds",
    better="lower",
    target=86_400,
    limit=3 * 86_400,
)
LAG = Figure(
    "lag_seconds",
    "Độ trễ của hệ thống",
    "Lag of counting",
    "Seconds that the oldest uncounted event has waited, or since the last heartbeat of a worker.",
    "seconds",
    better="lower",
    target=5,
    limit=60,
)
DEAD_RATIO = Figure(
    "dead_ratio",
    "Tỷ lệ bản ghi bị loại",
    "Dead-letter ratio",
    "Lines that could not be counted over all lines of the last hour.",
    "share",
    better="lower",
    target=0,
    limit=0.01,
)
DIFFERENCES = Figure(
    "differences",
    "Sai lệch khi kiểm toán",
    "Differences of the last audit",
    "Counts and facts that disagree with the events, in the last audit that ended.",
    "count",
    better="lower",
    target=0,
    limit=0,
)
AUDIT_AGE = Figure(
    "audit_seconds",
    "Lần kiểm toán gần nhất cách đây",
    "Age of the last audit",
    "Seconds since an audit last ended: only an audit shows that the counts agree with the events.",
    "seconds",
    better="lower",
    target=86_400,
    limit=3 * 86_400,
)
WORKERS = Figure(
    "workers",
    "Tiến trình đang chạy",
    "Workers",
    "Workers with a heartbeat in the last minute.",
    "count",
    target=1,
    limit=1,
)
CONFLICTS = Figure(
    "conflicts",
    "Dữ liệu mâu thuẫn",
    "Records that contradict each other",
    "Dossiers of the last thirty days with two records that contradict each other.",
    "count",
    better="lower",
    target=0,
    limit=0,
)

UNDECLARED = Figure(
    "undeclared",
    "Mã chưa khai báo",
    "Codes that are not declared",
    "Agencies, receivers or procedures of dossiers of the last thirty days that reference data does not declare.",
    "count",
    better="lower",
    target=0,
    limit=10,
)

Status = Literal["met", "watch", "missed"]


def status(figure: Figure, value: float) -> Status | None:
    """The status of a value against the target; None where there is no target."""
    if figure.target is None or figure.limit is None:
        return None
    sign = 1 if figure.better == "higher" else -1
    if sign * value >= sign * figure.target:
        return "met"
    return "watch" if sign * value >= sign * figure.limit else "missed"


def target_text(figure: Figure) -> str:
    """The target in Vietnamese and English, as panels and alerts show it."""
    if figure.target is None:
        return "Không đặt mục tiêu / No target"
    value = f"{figure.target:.0%}" if figure.unit == "share" else f"{figure.target:,.0f}"
    if figure.unit == "seconds":
        value += " s"
    return f"Mục tiêu {'≥' if figure.better == 'higher' else '≤'} {value} / Target"
