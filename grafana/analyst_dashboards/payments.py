"""Payments: how much is paid, how much of it online, and by agency."""

from grafana.agency_scope import agency_variables, is_in_scope
from grafana.analyst_dashboards.figure_tile import tile
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import column, series, share_column, table
from grafana.reference_names import agency_code, agency_name
from grafana.sql_queries import only, query
from grafana.thresholds import ONLINE_PAYMENT, Figure
from grafana.variables import TO_OTHERS, agency_columns

PAYMENTS = Figure("payments", "Số lượt thanh toán", "Payments", "Payments in the time range.", "count")
PAID = Figure("paid_amount", "Số tiền đã nộp", "Paid", "Amounts paid in the time range, in đồng.", "money")
REFUNDED = Figure(
    "refunded_amount", "Số tiền hoàn trả", "Refunded", "Amounts given back in the time range, in đồng.", "money"
)

_CHOSEN = is_in_scope("agency")


def payments() -> Dashboard:
    """Payments of the agencies that are chosen, in the time range."""
    sums = query("payment_sums", agency_is_chosen=_CHOSEN)
    figures = (ONLINE_PAYMENT, PAYMENTS, PAID, REFUNDED)
    return dashboard(
        "dossiers-payments",
        "Thanh toán / Payments",
        "Payments and refunds by day and agency, and the rate of online payment of Decision 766.",
        [
            *(at(place * 6, 0, 6, 5, tile(figure, only(sums, figure.name))) for place, figure in enumerate(figures)),
            at(
                0,
                5,
                12,
                10,
                series(
                    "Lượt thanh toán theo ngày / Payments a day",
                    "Payments on each local day, and those of them that were online.",
                    query("payment_days", agency_is_chosen=_CHOSEN),
                    "count",
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
                    "money",
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
                    query(
                        "payment_agencies",
                        agency_is_chosen=_CHOSEN,
                        agency_code=agency_code("agency"),
                        agency_name=agency_name("agency"),
                    ),
                    overrides=[
                        *agency_columns(),
                        column("fee_bearing", "Hồ sơ có phí / Fee-bearing", "count"),
                        column("fee_paid_online", "Nộp trực tuyến / Paid online", "count"),
                        share_column("online_payment_rate", "Tỷ lệ / Rate"),
                        column("payments", "Lượt / Payments", "count"),
                        column("paid_amount", "Đã nộp / Paid", "money"),
                        column("refunds", "Lượt hoàn / Refunds", "count"),
                        column("refunded_amount", "Hoàn trả / Refunded", "money"),
                    ],
                ),
            ),
        ],
        variables=agency_variables(),
        links=TO_OTHERS,
        tags=["analyst"],
        since="now-90d",
    )
