"""Which agencies a reader has chosen: themselves, and everything below them in today's tree."""

from collections.abc import Sequence

from grafana.panels import DATASOURCE
from grafana.reference_names import agency_code, agency_name, in_one_line
from grafana.sql_queries import ALL, is_everything_selected, query, selected, selected_values
from grafana.variables import Variable

CASCADE = ("province", "district", "agency")
"""The variables by which agencies are chosen, each within the former."""
_PLACES = query("agency_places")
SELECTED = agency_code(selected("agency"))
"""The code of the one agency that is chosen."""


def agency_variables(*, several: bool = True) -> list[Variable]:
    """Province, department or district, and agency: values are codes, texts are names.

    Before agencies are declared, the first two are empty, and the third has every agency that was counted.
    """
    offered = {
        "province": "level IN ('ministry', 'province')",
        "district": f"level IN ('department', 'district') AND {_within('province')}",
        "agency": f"{_within('province')} AND {_within('district')}",
    }
    labels = ("Tỉnh / Province", "Sở, quận huyện / Department, district", "Đơn vị / Agency")
    return [
        _choice(
            name,
            label,
            query("agency_choices", agency_places=_PLACES, is_offered=offered[name], agency_name=agency_name("agency")),
            several=several or name != "agency",
        )
        for name, label in zip(CASCADE, labels, strict=True)
    ]


def group_variable() -> Variable:
    """The groups of agencies that are compared with each other."""
    sql = query("agency_groups", group_name=in_one_line("code"))
    return _choice("group", "Nhóm so sánh / Group", sql, several=True)


def group_of(column: str) -> str:
    """SQL for the group of the agency in a column; empty where it has none."""
    return f"dictGetOrDefault('agency_labels', 'group', tuple({column}), '')"


def is_in_scope(column: str, variables: Sequence[str] = CASCADE) -> str:
    """SQL for whether the agency in a column is chosen, or below what is chosen; all of them where nothing is."""
    *outer, last = map(is_everything_selected, variables)
    within = _agencies(" AND ".join(map(_within, variables)))
    # A code of which nothing was counted yet has no place: it is what is chosen, and nothing else.
    chosen = " AND ".join([*outer, f"({last} OR has({selected_values(variables[-1])}, {column}))"])
    return f"(({chosen}) OR {column} IN ({within}))"


def is_below_selected(column: str) -> str:
    """SQL for whether the agency in a column is the one of the variable `agency`, or below it."""
    return f"({column} = {SELECTED} OR {column} IN ({_agencies(f'has(places, {SELECTED})')}))"


def _within(name: str) -> str:
    """SQL for whether `places` have one of the selected values of a variable; where nothing is selected, they do."""
    values = selected_values(name)
    codes = f"arrayMap(code -> {agency_code('code')}, {values})"
    return f"({is_everything_selected(name)} OR hasAny(places, arrayConcat({values}, {codes})))"


def _agencies(condition: str) -> str:
    return query("agencies_of", agency_places=_PLACES, condition=condition)


def _choice(name: str, label: str, sql: str, *, several: bool) -> Variable:
    found: Variable = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "query": sql,
        "definition": sql,
        "refresh": 2,
        "sort": 0,
        "multi": several,
        "includeAll": several,
        "options": [],
    }
    return found | {"current": {"text": "All", "value": [ALL]}} if several else found
