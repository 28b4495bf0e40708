"""A Grafana of a few hundred lines: it keeps what it is given, and answers as a real one was recorded to.

`grafana-12.4-api.json` are requests to a Grafana 12.4.0 and its answers.
"""

import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

RECORDED = {each["note"]: each for each in json.loads((Path(__file__).parent / "grafana-12.4-api.json").read_text())}
TOKEN = "glsa_right"  # noqa: S105  # of no server

Answer = tuple[int, Any]
Document = dict[str, Any]


def recorded(note: str, **values: Any) -> Answer:
    """The answer to the request of this note, with these values in it."""
    found = RECORDED[note]
    response = deepcopy(found["response"])
    return found["status"], response | values if values else response


class Stub:
    """The server; `faults` are answers it gives instead, first come first served, to requests that match."""

    def __init__(self) -> None:
        self.folders: dict[str, Document] = {}
        self.datasources: dict[str, Document] = {}
        self.dashboards: dict[str, Document] = {}
        self.groups: dict[str, Document] = {}
        self.playlists: dict[str, Document] = {}
        self.provisioned = False
        self.requests: list[tuple[str, str, Any]] = []
        self.faults: list[tuple[str, Answer | float]] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: else each answer waits for an acknowledgement.
            wbufsize = 1 << 16

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, response = stub.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
                text = (
                    b""
                    if status == 204
                    else response.encode()
                    if isinstance(response, str)
                    else json.dumps(response).encode()
                )
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                with suppress(OSError):  # a client that had no patience
                    self.wfile.write(text)
                    self.wfile.flush()

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  # their names

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def written(self) -> list[str]:
        """The requests that may have changed something."""
        return [f"{method} {path}" for method, path, _ in self.requests if method != "GET" and "dryRun=All" not in path]

    @property
    def state(self) -> Document:
        """All that is kept."""
        return deepcopy(
            {name: getattr(self, name) for name in ("folders", "datasources", "dashboards", "groups", "playlists")}
        )

    def answer(self, method: str, path: str, body: Any, authorization: str) -> Answer:
        self.requests.append((method, path, body))
        for index, (pattern, fault) in enumerate(self.faults):
            if re.search(pattern, f"{method} {path}"):
                del self.faults[index]
                if isinstance(fault, tuple):
                    return fault
                time.sleep(fault)
                break
        if authorization != f"Bearer {TOKEN}":
            return recorded("wrong token")
        for pattern, respond in self.ROUTES:
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return respond(self, *found.groups(), *([body] if body is not None else []))
        return 404, {"message": "Not found"}

    def read_folder(self, uid: str) -> Answer:
        return (200, self.folders[uid]) if uid in self.folders else recorded("folder missing")

    def make_folder(self, body: Document) -> Answer:
        if body["uid"] in self.folders:
            return recorded("folder again")
        self.folders[body["uid"]] = recorded("folder created", **body)[1]
        return 200, self.folders[body["uid"]]

    def read_datasource(self, uid: str) -> Answer:
        return (200, self.datasources[uid]) if uid in self.datasources else recorded("data source missing")

    def make_datasource(self, body: Document) -> Answer:
        if body["uid"] in self.datasources:
            return recorded("data source again")
        return self.put_datasource(body["uid"], body)

    def put_datasource(self, uid: str, body: Document) -> Answer:
        _, kept = recorded("data source read")
        self.datasources[uid] = kept | {key: value for key, value in body.items() if key != "secureJsonData"}
        return recorded("data source changed")

    def read_dashboard(self, uid: str) -> Answer:
        if uid not in self.dashboards:
            return recorded("dashboard missing")
        kept = self.dashboards[uid]
        status, answer = recorded("dashboard read")
        meta = answer["meta"] | {"folderUid": kept["folderUid"], "provisioned": self.provisioned}
        return status, {"meta": meta, "dashboard": kept["dashboard"]}

    def save_dashboard(self, body: Document) -> Answer:
        uid, folder = body["dashboard"]["uid"], body["folderUid"]
        if folder not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.dashboards and not body["overwrite"]:
            return recorded("dashboard saved again unchanged, no overwrite")
        version = self.dashboards[uid]["dashboard"]["version"] + 1 if uid in self.dashboards else 1
        self.dashboards[uid] = {
            "folderUid": folder,
            "dashboard": deepcopy(body["dashboard"]) | {"id": 3754877108920320, "version": version},
        }
        return recorded("dashboard created", uid=uid, version=version)

    def delete_dashboard(self, uid: str) -> Answer:
        return (
            recorded("dashboard deleted", uid=uid) if self.dashboards.pop(uid, None) else recorded("dashboard missing")
        )

    def search(self) -> Answer:
        (example,) = RECORDED["search by tag"]["response"][:1]
        return 200, [
            example | {"uid": uid, "folderUid": kept["folderUid"], "tags": kept["dashboard"]["tags"]}
            for uid, kept in self.dashboards.items()
            if "dossier-stream" in kept["dashboard"]["tags"]
        ]

    def validate(self, body: Document) -> Answer:
        if not isinstance(body["spec"].get("graphTooltip", 0), int):
            return recorded("strict dry run, bad")
        return recorded("strict dry run, good")

    def read_group(self, _folder: str, name: str) -> Answer:
        return (200, self.groups[name]) if name in self.groups else recorded("rule group missing")

    def put_group(self, folder: str, name: str, body: Document) -> Answer:
        if body["interval"] % 10:
            return recorded("rule group, interval not a multiple of 10 s")
        _, example = recorded("one rule")
        rules = []
        for rule in body["rules"]:
            data = [
                {"queryType": ""} | each | {"model": {"intervalMs": 1000, "maxDataPoints": 43200} | each["model"]}
                for each in rule["data"]
            ]
            place = {"folderUID": folder, "ruleGroup": name}
            rules.append(example | rule | place | {"data": data} | ({"provenance": "file"} if self.provisioned else {}))
        self.groups[name] = {"title": name, "folderUid": folder, "interval": body["interval"], "rules": rules}
        return 200, self.groups[name]

    def rules(self) -> Answer:
        return 200, [rule for group in self.groups.values() for rule in group["rules"]]

    def delete_rule(self, uid: str) -> Answer:
        for name, group in list(self.groups.items()):
            group["rules"] = [rule for rule in group["rules"] if rule["uid"] != uid]
            if not group["rules"]:
                del self.groups[name]
        return recorded("rule deleted: 204 and no body")

    def list_playlists(self) -> Answer:
        return 200, [{key: each[key] for key in ("uid", "name", "interval")} for each in self.playlists.values()]

    def read_playlist(self, uid: str) -> Answer:
        return 200, self.playlists[uid]

    def make_playlist(self, body: Document) -> Answer:
        return self.put_playlist(f"fg{len(self.playlists)}", body)

    def put_playlist(self, uid: str, body: Document) -> Answer:
        self.playlists[uid] = {"uid": uid} | body
        return 200, self.playlists[uid]

    ROUTES: tuple[tuple[str, Callable[..., Answer]], ...] = (
        (r"GET /api/folders/([^/]+)", read_folder),
        (r"POST /api/folders", make_folder),
        (r"GET /api/datasources/uid/([^/]+)", read_datasource),
        (r"POST /api/datasources", make_datasource),
        (r"PUT /api/datasources/uid/([^/]+)", put_datasource),
        (r"GET /api/dashboards/uid/([^/]+)", read_dashboard),
        (r"POST /api/dashboards/db", save_dashboard),
        (r"DELETE /api/dashboards/uid/([^/]+)", delete_dashboard),
        (r"GET /api/search\?tag=dossier-stream&type=dash-db", search),
        (r"GET /apis/dashboard\.grafana\.app/v1beta1", lambda _: (200, {"kind": "APIResourceList"})),
        (r"POST /apis/dashboard\.grafana\.app/v1beta1/.*dryRun=All", validate),
        (r"GET /api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)", read_group),
        (r"PUT /api/v1/provisioning/folder/([^/]+)/rule-groups/([^/]+)", put_group),
        (r"GET /api/v1/provisioning/alert-rules", rules),
        (r"DELETE /api/v1/provisioning/alert-rules/([^/]+)", delete_rule),
        (r"GET /api/playlists", list_playlists),
        (r"GET /api/playlists/([^/]+)", read_playlist),
        (r"POST /api/playlists", make_playlist),
        (r"PUT /api/playlists/([^/]+)", put_playlist),
    )
