"""Plans changes by comparing what Grafana has with what it should have. Pure; never touches foreign objects."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from grafana.publish.documents import Document, Documents, is_our_dashboard, is_our_rule
from grafana.publish.errors import Foreign

_SHOWN = 60
_SERVERS = {"id", "version"}
"""Keys that Grafana itself adds to a dashboard."""


class Found(Struct, frozen=True):
    """What Grafana has, as its API tells it; None where there is nothing.

    `dashboards` are answers with `meta` and `dashboard` by uid, `groups` by name. `marked` are the dashboards that bear
    our tag, `rules` all rules there are.
    """

    folder: Document | None
    datasource: Document | None
    dashboards: Mapping[str, Document | None]
    groups: Mapping[str, Document | None]
    playlists: Sequence[Document]
    marked: Sequence[Document] = ()
    rules: Sequence[Document] = ()


class Change(Struct, frozen=True):
    """One step: what is done to which object, what differs, and the request that does it.

    `keep` and `locked` have none: all is as it should be, or Grafana takes changes only from a file it was read from.
    """

    action: Literal["create", "update", "delete", "keep", "locked"]
    kind: str
    name: str
    differences: tuple[str, ...] = ()
    method: str = ""
    path: str = ""
    body: Document | None = None


def plan(wanted: Documents, found: Found, *, prune: bool = False) -> list[Change]:
    """The steps in the order in which they must be done.

    With `prune`, dashboards and rules with our mark that are no longer generated are deleted. Raises Foreign with every
    object of another owner that is in the place of one of ours.
    """
    foreign = [*_foreign(wanted, found)]
    if foreign:
        raise Foreign(
            f"not ours, and in the way: {'; '.join(foreign)}; nothing was changed: give it another uid or name, or "
            "remove it"
        )
    folder = Change("keep", "folder", wanted.folder["title"])
    if found.folder is None:
        folder = Change("create", "folder", wanted.folder["title"], (), "POST", "/folders", wanted.folder)
    changes = [folder, _datasource(wanted.datasource, found.datasource)]
    changes += [_dashboard(wanted, board, found.dashboards.get(board["uid"])) for board in wanted.dashboards]
    changes += [_group(group, found.groups.get(group["title"])) for group in wanted.groups]
    changes.append(_playlist(wanted.playlist, found.playlists))
    return changes + (list(_pruned(wanted, found)) if prune else [])


def differences(wanted: Any, found: Any, path: str = "", *, exact: bool = False) -> Iterator[str]:
    """Where they differ, a line each; keys that only `found` has are a difference where it is to be exact."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in wanted:
            yield from differences(wanted[key], found.get(key), f"{path}.{key}".lstrip("."), exact=exact)
        if exact:
            yield from (
                f"{path}.{key}: {_short(found[key])} -> nothing".lstrip(".") for key in found.keys() - wanted.keys()
            )
    elif isinstance(wanted, list) and isinstance(found, list):
        for index, (one, other) in enumerate(zip(wanted, found, strict=False)):
            yield from differences(one, other, f"{path}[{index}]", exact=exact)
        if len(wanted) != len(found):
            yield f"{path}: {len(found)} -> {len(wanted)} items"
    elif wanted != found or type(wanted) is not type(found):
        yield f"{path}: {_short(found)} -> {_short(wanted)}"


def _short(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _foreign(wanted: Documents, found: Found) -> Iterator[str]:
    if found.datasource is not None and found.datasource["type"] != wanted.datasource["type"]:
        yield f"data source {found.datasource['uid']} of type {found.datasource['type']}"
    for uid, answer in found.dashboards.items():
        if answer is not None and not is_our_dashboard(answer["dashboard"]):
            yield f"dashboard {uid} “{answer['dashboard']['title']}”"
    for name, group in found.groups.items():
        for rule in (group or {}).get("rules", ()):
            if not is_our_rule(rule):
                yield f"alert rule “{rule['title']}” in group {name}"
    uids = {item["value"] for item in wanted.playlist["items"]}
    for each in found.playlists:
        if not any(item["value"] in uids for item in each.get("items") or []):
            yield f"playlist {each['uid']} “{each['name']}”"


def _datasource(wanted: Document, found: Document | None) -> Change:
    name = wanted["name"]
    if found is None:
        return Change("create", "data source", name, (), "POST", "/datasources", wanted)
    differing = tuple(differences(wanted, found))
    if found.get("readOnly"):
        return Change("locked", "data source", name, differing)
    # Whether it is the default is the site's own matter.
    body = wanted | {"isDefault": found.get("isDefault", False)}
    return _changed("data source", name, differing, "PUT", f"/datasources/uid/{wanted['uid']}", body)


def _dashboard(wanted: Documents, board: Document, found: Document | None) -> Change:
    body = {
        "dashboard": board,
        "folderUid": wanted.folder["uid"],
        "overwrite": True,
        "message": "dossier grafana publish",
    }
    if found is None:
        return Change("create", "dashboard", board["uid"], (), "POST", "/dashboards/db", body | {"overwrite": False})
    ours = {key: value for key, value in board.items() if key not in _SERVERS}
    theirs = {key: value for key, value in found["dashboard"].items() if key not in _SERVERS}
    differing = tuple(differences(ours, theirs, exact=True))
    if found["meta"].get("folderUid") != wanted.folder["uid"]:
        differing += (f"folder: {found['meta'].get('folderUid')} -> {wanted.folder['uid']}",)
    if found["meta"].get("provisioned"):
        return Change("locked", "dashboard", board["uid"], differing)
    return _changed("dashboard", board["uid"], differing, "POST", "/dashboards/db", body)


def _group(wanted: Document, found: Document | None) -> Change:
    path = f"/v1/provisioning/folder/{wanted['folderUid']}/rule-groups/{wanted['title']}"
    if found is None:
        return Change("create", "rule group", wanted["title"], (), "PUT", path, wanted)
    differing = tuple(differences(wanted, found))
    if any(rule.get("provenance") == "file" for rule in found["rules"]):
        return Change("locked", "rule group", wanted["title"], differing)
    return _changed("rule group", wanted["title"], differing, "PUT", path, wanted)


def _playlist(wanted: Document, found: Sequence[Document]) -> Change:
    name = wanted["name"]
    if not found:
        return Change("create", "playlist", name, (), "POST", "/playlists", wanted)
    first = found[0]
    return _changed("playlist", name, tuple(differences(wanted, first)), "PUT", f"/playlists/{first['uid']}", wanted)


def _pruned(wanted: Documents, found: Found) -> Iterator[Change]:
    boards = {board["uid"] for board in wanted.dashboards}
    for each in found.marked:
        if each["uid"] not in boards and each.get("folderUid") == wanted.folder["uid"]:
            yield Change("delete", "dashboard", each["uid"], (), "DELETE", f"/dashboards/uid/{each['uid']}")
    groups = {group["title"] for group in wanted.groups}
    for rule in found.rules:
        is_here = rule["folderUID"] == wanted.folder["uid"] and rule.get("provenance") != "file"
        # In a group that is still made, the group's own request takes it away.
        if is_our_rule(rule) and is_here and rule["ruleGroup"] not in groups:
            path = f"/v1/provisioning/alert-rules/{rule['uid']}"
            yield Change("delete", "alert rule", rule["uid"], (), "DELETE", path)


def _changed(kind: str, name: str, differing: tuple[str, ...], method: str, path: str, body: Document) -> Change:
    if not differing:
        return Change("keep", kind, name)
    return Change("update", kind, name, differing, method, path, body)
