"""Reads what Grafana has, and applies a plan."""

from collections.abc import Callable, Iterable
from typing import Any, NotRequired, TypedDict
from urllib.parse import quote

from grafana.dashboard_layout import TAG
from grafana.publish.documents import Document, Documents
from grafana.publish.errors import Refused
from grafana.publish.grafana_client import Api
from grafana.publish.plan import Change, Found
from schemas.connection import Secret

# `/api` stands before every path.
_STRICT = "s/dashboard.grafana.app/v1beta1/namespaces/default/dashboards?fieldValidation=Strict&dryRun=All"


class _Thing(TypedDict):
    uid: str


class _Source(_Thing):
    type: str


class _Item(TypedDict):
    value: str


class _Playlist(_Thing):
    name: str
    items: NotRequired[list[_Item] | None]


class _Content(TypedDict):
    title: str
    tags: NotRequired[list[str] | None]


class _Dashboard(TypedDict):
    dashboard: _Content
    meta: dict[str, Any]


class _Rule(_Thing):
    title: str
    folderUID: str
    ruleGroup: str
    labels: NotRequired[dict[str, str] | None]


class _Group(TypedDict):
    rules: list[_Rule]


def read_found(api: Api, wanted: Documents) -> Found:
    """The wanted objects that Grafana has, and everything with our mark."""
    folder = quote(wanted.folder["uid"])
    playlists = api.read("/playlists", list[_Playlist]) or []
    return Found(
        folder=api.read(f"/folders/{folder}", _Thing),
        datasource=api.read(f"/datasources/uid/{quote(wanted.datasource['uid'])}", _Source),
        dashboards={
            board["uid"]: api.read(f"/dashboards/uid/{quote(board['uid'])}", _Dashboard) for board in wanted.dashboards
        },
        groups={
            group["title"]: api.read(f"/v1/provisioning/folder/{folder}/rule-groups/{quote(group['title'])}", _Group)
            for group in wanted.groups
        },
        playlists=[
            api.read(f"/playlists/{quote(each['uid'])}", _Playlist)
            for each in playlists
            if each["name"] == wanted.playlist["name"]
        ],
        marked=api.read(f"/search?tag={TAG}&type=dash-db", list[_Thing]) or [],
        rules=api.read("/v1/provisioning/alert-rules", list[_Rule]) or [],
    )


def check(api: Api, boards: Iterable[Document]) -> None:
    """Let Grafana itself validate the dashboards, storing nothing; one before 12, which cannot, takes them as they are.

    Raises Refused with the fields that are wrong.
    """
    if api.read("s/dashboard.grafana.app/v1beta1", Any) is None:
        return
    for board in boards:
        spec = {key: value for key, value in board.items() if key not in {"uid", "version"}}
        metadata = {"name": f"check-{board['uid']}"}
        body = {"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": metadata, "spec": spec}
        try:
            api.write("POST", _STRICT, body)
        except Refused as error:
            raise Refused(f"dashboard {board['uid']}: {error}") from error


def apply(api: Api, changes: Iterable[Change], password: Secret, done: Callable[[Change], None]) -> None:
    """Apply a plan step by step, and call `done` after each. It may be interrupted and repeated.

    The password of the data source cannot be read back, so it goes along whenever its document does.
    """
    for change in changes:
        if change.method:
            body = change.body
            if change.kind == "data source" and body is not None and password.reveal():
                body = body | {"secureJsonData": {"password": password.reveal()}}
            api.write(change.method, change.path, body)
        done(change)
