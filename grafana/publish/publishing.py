"""Reading what Grafana has, and writing what the plan says."""

from collections.abc import Callable, Iterable
from urllib.parse import quote

from grafana.dashboard import TAG
from grafana.publish.api import Api
from grafana.publish.documents import Document, Documents
from grafana.publish.errors import Refused
from grafana.publish.plan import Change, Found
from schemas.connection import Secret

# The package puts `/api` before every path.
_STRICT = "s/dashboard.grafana.app/v1beta1/namespaces/default/dashboards?fieldValidation=Strict&dryRun=All"


def read_found(api: Api, wanted: Documents) -> Found:
    """What Grafana has of what is wanted, and all that bears our mark."""
    folder = quote(wanted.folder["uid"])
    playlists = [each for each in api.read("/playlists") or [] if each["name"] == wanted.playlist["name"]]
    return Found(
        folder=api.read(f"/folders/{folder}"),
        datasource=api.read(f"/datasources/uid/{quote(wanted.datasource['uid'])}"),
        dashboards={board["uid"]: api.read(f"/dashboards/uid/{quote(board['uid'])}") for board in wanted.dashboards},
        groups={
            group["title"]: api.read(f"/v1/provisioning/folder/{folder}/rule-groups/{quote(group['title'])}")
            for group in wanted.groups
        },
        playlists=[api.read(f"/playlists/{quote(each['uid'])}") for each in playlists],
        marked=api.read(f"/search?tag={TAG}&type=dash-db") or [],
        rules=api.read("/v1/provisioning/alert-rules") or [],
    )


def check(api: Api, boards: Iterable[Document]) -> None:
    """Let Grafana itself validate the dashboards, storing nothing; one before 12, which cannot, takes them as they are.

    Raises Refused with the fields that are wrong.
    """
    if api.read("s/dashboard.grafana.app/v1beta1") is None:
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
    """Do what the plan says, step by step; `done` hears of each step. It may be broken off and done again.

    The password of the data source cannot be read back, so it goes along whenever its document does.
    """
    for change in changes:
        if change.method:
            body = change.body
            if change.kind == "data source" and body is not None and password.reveal():
                body = body | {"secureJsonData": {"password": password.reveal()}}
            api.write(change.method, change.path, body)
        done(change)
