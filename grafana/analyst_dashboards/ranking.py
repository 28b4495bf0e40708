"""The ranking of agencies by one rate: what it is made of, and how agencies of similar volume do."""

from grafana.agency_scope import agency_variables, group_of, group_variable, is_in_scope
from grafana.dashboard_layout import Dashboard, at, dashboard
from grafana.panels import column, share_column, table
from grafana.reference_names import agency_name
from grafana.sql_queries import is_selected, query, selected
from grafana.thresholds import (
    DIGITISATION,
    FEEDBACK_ON_TIME,
    MINIMUM_VOLUME,
    ON_TIME,
    ONLINE,
    ONLINE_PAYMENT,
    SATISFACTION,
    Figure,
)
from grafana.variables import PERIOD, TO_OTHERS, agency_columns, choice_variable

RATES: tuple[tuple[Figure, str, str], ...] = (
    (ON_TIME, "on_time", "judged"),
    (ONLINE, "received_online", "received"),
    (ONLINE_PAYMENT, "fee_paid_online", "fee_bearing"),
    (DIGITISATION, "components_digitised", "components"),
    (SATISFACTION, "satisfied", "rated"),
    (FEEDBACK_ON_TIME, "feedback_on_time", "feedback_answered"),
)
"""Each rate with its numerator and denominator."""


def ranking() -> Dashboard:
    """Agencies by the rate and period that are chosen; those of too small a volume come last and have no rank."""
    sql = query(
        "ranking",
        minimum=str(MINIMUM_VOLUME),
        numerator=_choose({figure.name: numerator for figure, numerator, _ in RATES}),
        denominator=_choose({figure.name: denominator for figure, _, denominator in RATES}),
        target=_choose({figure.name: str(figure.target) for figure, *_ in RATES}),
        counts=selected("counts"),
        agency_places=query("agency_places"),
        agency_is_chosen=is_in_scope("node", ("province", "district")),
        group_is_chosen=is_selected(group_of("node"), "group"),
        agency_name=agency_name("agency"),
    )
    shown = table(
        "Xếp hạng đơn vị / Agency ranking",
        "Agencies of the chosen groups by the chosen rate. Peers are those among them of half to twice the volume; "
        f"below {MINIMUM_VOLUME} cases a rate says nothing, and there is no rank.",
        sql,
        overrides=[
            column("rank", "Hạng / Rank", "count", custom__width=110),
            *agency_columns(),
            column("numerator", "Tử số / Numerator", "count"),
            column("denominator", "Mẫu số / Denominator", "count"),
            share_column("rate", "Tỷ lệ / Rate"),
            share_column("target", "Mục tiêu / Target"),
            column("against_target", "So với mục tiêu / Against target"),
            column("peers", "Số đơn vị tương đương / Peers", "count"),
            share_column("peers_median", "Trung vị nhóm / Peers' median"),
        ],
    )
    return dashboard(
        "dossiers-ranking",
        "Xếp hạng đơn vị / Agency ranking",
        "Agencies by one of the rates of Decision 766, with numerator, denominator, target and peers.",
        [at(0, 0, 24, 26, shown)],
        variables=[
            choice_variable(
                "rate", "Chỉ số / Rate", {each.name: f"{each.vietnamese} – {each.english}" for each, *_ in RATES}
            ),
            PERIOD,
            group_variable(),
            choice_variable(
                "counts",
                "Tính / Counts",
                {"own": "Riêng đơn vị / The agency's own", "below": "Cả cấp dưới / With all below"},
            ),
            *agency_variables()[:2],
        ],
        links=TO_OTHERS,
        tags=["analyst"],
    )


def _choose(values: dict[str, str]) -> str:
    """SQL for the value that belongs to the chosen rate."""
    cases = ", ".join(f"{selected('rate')} = '{name}', {value}" for name, value in values.items())
    return f"multiIf({cases}, 0)"
