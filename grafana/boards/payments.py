"""Payments: how much is paid, how much of it online, and by agency."""

from grafana.boards.figures import tile
from grafana.dashboard import Dashboard, at, dashboard
from grafana.panels import override, series, share_column, table
from grafana.sql import is_chosen, only, query
from grafana.thresholds import ONLINE_PAYMENT, Figure
from grafana.variables import TO_OTHERS, agencies, agency_column

PAYMENTS = Figure("payments", "Số lượt thanh toán", "Payments", "Payments in the time range.", "count")
PAID = Figure("paid_amount", "Số tiền đã nộp", "Paid", "Amounts paid in the time range, in đồng.", "count")
REFUNDED = Figure(
    "refunded_amount", "Số tiền hoàn trả", "Refunded", "Amounts given back in the time range, in đồng.", "count"
)

_CHOSEN = is_chosen("agency", "agency")


def payments() -> Dashboard:
    """Payments of the agencies that are chosen, in the time range."""
    sums = query("payment_sums", agency_is_chosen=_CHOSEN)
    figures = (ONLINE_PAYMENT, PAYMENTS, PAID, REFUNDED)
    money = {"unit": "locale", "decimals": 0}
    return dashboard(
        "dossiers-payments",
        "Thanh toán / Payments",
        "Payments and refunds by day and agency, and the rate of online payment of Decision 766.",
        [
            *(at(column * 6, 0, 6, 5, tile(figure, only(sums, figure.name))) for column, figure in enumerate(figures)),
            at(
                0,
                5,
                12,
                10,
                series(
                    "Lượt thanh toán theo ngày / Payments a day",
                    "Payments on each local day, and those of them that were online.",
                    query("payment_days", agency_is_chosen=_CHOSEN),
                    defaults={"unit": "locale"},
                ),
            ),
            at(
                12,
                5,
                12,
                10,
                series(
                    "Số tiền theo ngày / Amounts a day",
                    "Amounts paid and given back on each local day, in đồng.",
                    query("payment_amounts", agency_is_chosen=_CHOSEN),
                    defaults={"unit": "locale"},
                ),
            ),
            at(
                0,
                15,
                24,
                11,
                table(
                    "Theo đơn vị / By agency",
                    "Fee-bearing dossiers received in the time range, and payments in it.",
                    query("payment_agencies", agency_is_chosen=_CHOSEN),
                    overrides=[
                        agency_column(),
                        override("fee_bearing", displayName="Hồ sơ có phí / Fee-bearing", unit="locale"),
                        override("fee_paid_online", displayName="Nộp trực tuyến / Paid online", unit="locale"),
                        share_column("online_payment_rate", "Tỷ lệ / Rate"),
                        override("payments", displayName="Lượt / Payments", unit="locale"),
                        override("paid_amount", displayName="Đã nộp / Paid", **money),
                        override("refunds", displayName="Lượt hoàn / Refunds", unit="locale"),
                        override("refunded_amount", displayName="Hoàn trả / Refunded", **money),
                    ],
                ),
            ),
        ],
        variables=[agencies(several=True)],
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-90d",
    )
