"""Labels for every code that a cell shows, in Vietnamese and English, as Grafana mappings or as SQL."""

from collections.abc import Mapping
from typing import Any

Codes = Mapping[str, str]

STATUSES: Codes = {
    "received": "đã tiếp nhận / received",
    "processing": "đang giải quyết / processing",
    "supplement": "chờ bổ sung / waits for supplement",
    "obligation": "chờ nghĩa vụ tài chính / waits for payment",
    "pause": "tạm dừng / paused",
    "resolved": "đã có kết quả / resolved",
    "returned": "đã trả kết quả / returned",
    "withdrawn": "đã rút / withdrawn",
    "refused": "bị từ chối / refused",
    "stopped": "dừng xử lý / stopped",
}
CHANNELS: Codes = {"direct": "trực tiếp / direct", "online": "trực tuyến / online", "postal": "bưu chính / postal"}
METHODS: Codes = {"online": "trực tuyến / online", "cash": "tiền mặt / cash", "transfer": "chuyển khoản / transfer"}
KINDS: Codes = {
    "received": "tiếp nhận / received",
    "feedback_received": "tiếp nhận phản ánh / feedback received",
    "progressed": "cập nhật tiến độ / progressed",
    "assigned": "giao xử lý / assigned",
    "transferred": "chuyển cơ quan / transferred",
    "term_set": "hẹn trả / term set",
    "extended": "gia hạn / extended",
    "supplement_requested": "yêu cầu bổ sung / supplement requested",
    "supplement_answered": "đã bổ sung / supplement answered",
    "obligation_set": "yêu cầu nghĩa vụ tài chính / obligation set",
    "obligation_met": "đã thực hiện nghĩa vụ / obligation met",
    "paused": "tạm dừng / paused",
    "resumed": "tiếp tục / resumed",
    "resolved": "có kết quả / resolved",
    "withdrawn": "rút hồ sơ / withdrawn",
    "refused": "từ chối / refused",
    "stopped": "dừng xử lý / stopped",
    "reopened": "mở lại / reopened",
    "feedback_answered": "trả lời phản ánh / feedback answered",
    "returned": "trả kết quả / returned",
    "paid": "thanh toán / paid",
    "refunded": "hoàn tiền / refunded",
    "digitised": "số hóa / digitised",
    "rated": "đánh giá / rated",
    "amended": "đính chính / amended",
    "voided": "hủy bỏ / voided",
}
FIELDS: Codes = {
    "agency": "đơn vị / agency",
    "channel": "kênh nộp / channel",
    "procedure": "thủ tục / procedure",
    "receiver": "nơi tiếp nhận / receiver",
    "fee_bearing": "có phí / bears a fee",
    "step": "bước / step",
    "unit": "bộ phận / unit",
    "official": "cán bộ / official",
    "previous_agency": "đơn vị trước / previous agency",
    "term": "hạn trả / term",
    "number": "lần / number",
    "apology": "có xin lỗi / with apology",
    "reason": "lý do / reason",
    "amount": "số tiền / amount",
    "e_result": "kết quả điện tử / electronic result",
    "transaction": "giao dịch / transaction",
    "method": "hình thức / method",
    "gateway": "cổng thanh toán / gateway",
    "components": "thành phần / components",
    "digitised": "đã số hóa / digitised",
    "reused": "tái sử dụng / re-used",
    "result": "số hóa kết quả / result digitised",
    "satisfied": "hài lòng / satisfied",
    "score": "điểm / score",
    "received_at": "tiếp nhận lúc / received at",
    "voided": "đã hủy / voided",
}
"""The fields of events besides the header."""
STATES: Codes = {"raised": "phát sinh / raised", "cleared": "kết thúc / cleared"}
ENDS: Codes = {
    **{code: STATUSES[code] for code in ("resolved", "withdrawn", "refused", "stopped")},
    "answered": "đã trả lời / answered",
    "voided": "đã hủy / voided",
    "gone": "không còn là hồ sơ / no dossier any more",
    "term": "đổi hạn trả / term changed",
    "waiting": "tạm dừng tính hạn / clock stands",
    "agency": "đổi đơn vị / agency changed",
    "rule": "đổi quy tắc / rule changed",
    "levels": "mức không còn dùng / level no longer used",
    "compared": "so với hạn / compared with the deadline",
    "repeated supplement": "yêu cầu bổ sung nhiều lần / supplements requested again",
    "unanswered supplement": "chưa bổ sung / supplements not handed in",
}
"""Why an alert was cleared, or raised."""
REASONS: Codes = {
    "empty": "rỗng / empty",
    "too_many_lines": "quá nhiều dòng / too many lines",
    "too_large": "quá lớn / too large",
    "malformed": "sai định dạng / malformed",
    "unknown_kind": "loại không biết / unknown kind",
    "invalid": "không hợp lệ / invalid",
    "future": "ở tương lai / in the future",
    "misplaced": "sai phân vùng / misplaced",
    "full": "hồ sơ quá nhiều mục / dossier is full",
    "unmapped": "ánh xạ không nhận / does not fit the mapping",
}
"""Why a line is a dead letter."""
RULES: Codes = {
    "instant": "theo thời điểm / by instant",
    "date": "theo ngày / by date",
    "decision 766": "theo Quyết định 766 / Decision 766",
    "report form": "theo biểu mẫu II.06a / report form",
}
STANDINGS: Codes = {
    "early": "trước hạn / early",
    "on time": "đúng hạn / on time",
    "late": "quá hạn / late",
    "in term": "trong hạn / in term",
    "overdue": "đang quá hạn / overdue",
}
LEVELS: Codes = {
    "ministry": "bộ, ngành / ministry",
    "province": "tỉnh, thành phố / province",
    "department": "sở, ngành / department",
    "district": "quận, huyện / district",
    "commune": "xã, phường / commune",
    "centre": "trung tâm / centre",
    "branch": "chi nhánh / branch",
}
"""The levels of agencies."""
SERVICE_LEVELS: Codes = {
    "full": "toàn trình / full online",
    "partial": "một phần / partial",
    "information": "cung cấp thông tin / information only",
    "4": "mức độ 4 / level 4",
    "3": "mức độ 3 / level 3",
}
"""How far a procedure is offered online; levels 3 and 4 are the older words."""

_UNITS = {"m": ("phút", "min"), "h": ("giờ", "h"), "d": ("ngày", "d")}


def label_mappings(codes: Codes) -> list[dict[str, Any]]:
    """Mappings that show these codes by their labels; any other text is shown as it is."""
    options = {code: {"text": text, "index": index} for index, (code, text) in enumerate(codes.items())}
    return [{"type": "value", "options": options}]


def level_mappings() -> list[dict[str, Any]]:
    """Mappings for alert levels, which each deployment chooses: `due-24h`, `overdue`, `overdue-3d`."""
    texts = {"/^overdue$/": "quá hạn / overdue", "/^due-soon$/": "sắp đến hạn / due soon"}
    for letter, (vietnamese, english) in _UNITS.items():
        texts[f"/^due-(\\d+){letter}$/"] = f"còn $1 {vietnamese} / due in $1 {english}"
        texts[f"/^overdue-(\\d+){letter}$/"] = f"quá hạn $1 {vietnamese} / overdue $1 {english}"
    return [
        {"type": "regex", "options": {"pattern": pattern, "result": {"text": text, "index": index}}}
        for index, (pattern, text) in enumerate(texts.items())
    ]


def label_sql(column: str, codes: Codes) -> str:
    """SQL for the label of the code in a column; any other text is given as it is."""
    froms, tos = (", ".join(f"'{each}'" for each in side) for side in (codes, codes.values()))
    return f"transform({column}, [{froms}], [{tos}], {column})"
