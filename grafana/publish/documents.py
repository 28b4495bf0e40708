"""The documents that are published, in the format of Grafana's API."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from grafana.alert_rules import FOLDER, FOLDER_UID, GROUPS, OWNER, rule_document
from grafana.build import DASHBOARDS
from grafana.dashboard_layout import TAG
from grafana.panels import DATASOURCE
from grafana.wallboards import playlist
from schemas.connection import ClickHouseConnection

Document = dict[str, Any]


class Documents(Struct, frozen=True):
    """Everything that one deployment publishes."""

    folder: Document
    datasource: Document
    dashboards: Sequence[Document]
    groups: Sequence[Document]
    playlist: Document


def documents(reader: ClickHouseConnection) -> Documents:
    """All documents, with ClickHouse as Grafana reaches it, as the reader; without the password."""
    return Documents(
        folder={"uid": FOLDER_UID, "title": FOLDER},
        datasource={
            "uid": DATASOURCE["uid"],
            "type": DATASOURCE["type"],
            "name": "Dossiers",
            "access": "proxy",
            "jsonData": {
                "protocol": "native",
                "host": reader.host,
                "port": reader.port,
                "secure": reader.secure,
                "username": reader.user,
                "defaultDatabase": reader.database,
                "dialTimeout": "10",
                "queryTimeout": "60",
            },
        },
        dashboards=DASHBOARDS,
        groups=[
            {
                "title": name,
                "folderUid": FOLDER_UID,
                "interval": seconds,
                "rules": [rule_document(rule) for rule in rules],
            }
            for name, (seconds, rules) in GROUPS.items()
        ],
        playlist=playlist(),
    )


def is_our_dashboard(found: Document) -> bool:
    """Whether it is marked as ours."""
    return TAG in (found.get("tags") or [])


def is_our_rule(found: Document) -> bool:
    """Whether it is marked as ours."""
    return bool(OWNER.items() <= (found.get("labels") or {}).items())
