"""`dossier grafana publish` against a Grafana that keeps what it is given: idempotent, careful with others, clear."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from grafana.build import DASHBOARDS
from grafana.publish import grafana_client
from grafana.publish.plan import differences
from tests.cli.commands import Ended, Run
from tests.cli.conftest import dossier as dossier  # the command's fixture
from tests.grafana.stub import TOKEN, Stub, recorded

pytestmark = pytest.mark.loopback

Publish = Callable[..., Ended]
ALL = len(DASHBOARDS) + 5
"""Folder, data source, two groups of rules, playlist."""


@pytest.fixture
def grafana(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setattr(grafana_client, "_PAUSES", (0.0, 0.0))
    stub = Stub()
    yield stub
    stub.close()


@pytest.fixture
def publish(dossier: Run, grafana: Stub) -> Publish:
    """Runs the command with the stub's address and token."""

    def run(*options: str, **variables: str | Path) -> Ended:
        known = {"grafana": grafana.url, "grafana_token": TOKEN, "grafana_clickhouse": "ch.inside:9000"}
        return dossier("grafana", "publish", *options, **known | variables)

    return run


class TestPublishing:
    def test_everything_is_there_afterwards(self, publish: Publish, grafana: Stub) -> None:
        ended = publish(grafana_password="only reading")  # noqa: S106  # of no server
        assert ended.code == 0, ended.err
        assert ended.err == f"{ALL} of {ALL} objects changed\n"
        assert set(grafana.dashboards) == {board["uid"] for board in DASHBOARDS}
        assert set(grafana.groups) == {"dossiers", "pipeline"}
        assert grafana.folders["dossiers"]["title"] == "Hồ sơ – Dossiers"
        (source,) = grafana.datasources.values()
        assert source["jsonData"]["host"] == "ch.inside"
        assert source["jsonData"]["username"] == "reader"
        (sent,) = [body for _, path, body in grafana.requests if path == "/api/datasources"]
        assert sent["secureJsonData"] == {"password": "only reading"}
        assert "only reading" not in ended.out + ended.err

    def test_a_second_time_changes_nothing(self, publish: Publish, grafana: Stub) -> None:
        publish()
        before, sent = grafana.state, len(grafana.written)
        ended = publish()
        assert ended == (0, "", f"0 of {ALL} objects changed\n")
        assert grafana.state == before
        assert len(grafana.written) == sent

    def test_a_dry_run_tells_what_differs_and_writes_nothing(self, publish: Publish, grafana: Stub) -> None:
        ended = publish("--dry-run")
        assert ended.code == 0
        assert grafana.written == []
        assert ended.err == f"{ALL} of {ALL} objects would change\n"
        publish()
        board = DASHBOARDS[0]["uid"]
        grafana.dashboards[board]["dashboard"]["panels"][0]["title"] = "Mine now"
        grafana.dashboards[board]["dashboard"]["weekStart"] = "monday"
        grafana.groups["pipeline"]["rules"][0]["for"] = "2h"
        sent = len(grafana.written)
        ended = publish("--dry-run")
        assert ended.out.splitlines() == [
            f"update dashboard {board}",
            f"         panels[0].title: 'Mine now' -> '{DASHBOARDS[0]['panels'][0]['title']}'",
            "         weekStart: 'monday' -> nothing",
            "update rule group pipeline",
            "         rules[0].for: '2h' -> '10m'",
        ]
        assert len(grafana.written) == sent
        assert publish().err == f"2 of {ALL} objects changed\n"
        assert publish().err == f"0 of {ALL} objects changed\n"

    def test_what_grafana_reads_from_files_is_left_as_it_is(self, publish: Publish, grafana: Stub) -> None:
        grafana.provisioned = True
        publish()
        for source in grafana.datasources.values():
            source["readOnly"] = True
        before = grafana.state
        ended = publish()
        assert ended.code == 0
        locked = len(DASHBOARDS) + 3
        assert ended.err == (
            f"0 of {ALL} objects changed; {locked} are locked: Grafana reads them from provisioning files\n"
        )
        assert grafana.state == before

    def test_a_path_below_a_host(self, publish: Publish, grafana: Stub) -> None:
        ended = publish("--dry-run", grafana=f"{grafana.url}/sub/path")
        assert ended.code == 0
        assert all(path.startswith("/sub/path/api") for _, path, _ in grafana.requests)


class TestOwners:
    def test_a_dashboard_of_somebody_else_at_our_place_stops_everything(self, publish: Publish, grafana: Stub) -> None:
        publish()
        board = DASHBOARDS[0]["uid"]
        grafana.dashboards[board]["dashboard"] |= {"tags": ["theirs"], "title": "Budget"}
        grafana.groups["dossiers"]["rules"][0]["labels"] = {}
        before = grafana.state
        ended = publish()
        assert ended.code == 4
        assert f"not ours, and in the way: dashboard {board} “Budget”; alert rule “" in ended.reason
        assert grafana.state == before

    def test_a_playlist_and_a_data_source_of_somebody_else(self, publish: Publish, grafana: Stub) -> None:
        publish()
        for playlist in grafana.playlists.values():
            playlist["items"] = [{"type": "dashboard_by_uid", "value": "theirs"}]
        for source in grafana.datasources.values():
            source["type"] = "prometheus"
        ended = publish()
        assert ended.code == 4
        assert "data source dossiers-clickhouse of type prometheus; playlist fg0" in ended.reason

    def test_a_folder_that_was_renamed_keeps_its_name(self, publish: Publish, grafana: Stub) -> None:
        publish()
        grafana.folders["dossiers"]["title"] = "One-stop"
        assert publish().err == f"0 of {ALL} objects changed\n"
        assert grafana.folders["dossiers"]["title"] == "One-stop"

    def test_the_default_data_source_stays_the_sites_choice(self, publish: Publish, grafana: Stub) -> None:
        publish()
        (source,) = grafana.datasources.values()
        source["isDefault"] = False
        publish(grafana_clickhouse="elsewhere:9000")
        (source,) = grafana.datasources.values()
        assert source["isDefault"] is False
        assert source["jsonData"]["host"] == "elsewhere"

    def test_only_pruning_deletes_and_only_what_bears_our_mark(self, publish: Publish, grafana: Stub) -> None:
        publish()
        board = grafana.dashboards[DASHBOARDS[0]["uid"]]
        for uid, tags, folder in (
            ("old", ["dossier-stream"], "dossiers"),
            ("theirs", [], "dossiers"),
            ("copy", ["dossier-stream"], "x"),
        ):
            grafana.dashboards[uid] = {
                "folderUid": folder,
                "dashboard": board["dashboard"] | {"uid": uid, "tags": tags},
            }
        rule = grafana.groups["pipeline"]["rules"][0]
        grafana.groups["old"] = {"rules": [rule | {"uid": "old-rule", "ruleGroup": "old"}]}
        grafana.groups["theirs"] = {"rules": [rule | {"uid": "their-rule", "ruleGroup": "theirs", "labels": {}}]}
        assert publish().err == f"0 of {ALL} objects changed\n"
        ended = publish("--prune")
        assert ended.out == "delete dashboard old\ndelete alert rule old-rule\n"
        assert {"theirs", "copy"} < grafana.dashboards.keys()
        assert "old" not in grafana.dashboards
        assert grafana.groups.keys() == {"dossiers", "pipeline", "theirs"}


class TestTrouble:
    def test_what_fails_for_a_moment_is_tried_again(self, publish: Publish, grafana: Stub) -> None:
        grafana.faults = [
            ("POST /api/dashboards/db", (500, {"message": "database is locked"})),
            ("PUT .*rule-groups/pipeline", (502, "<html>bad gateway</html>")),
            ("GET /api/playlists", (429, {"message": "slow down"})),
        ]
        ended = publish()
        assert ended.code == 0, ended.err
        assert grafana.faults == []
        assert publish().err == f"0 of {ALL} objects changed\n"

    def test_a_slow_answer_is_asked_for_again(
        self, publish: Publish, grafana: Stub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(grafana_client, "_TIMEOUT_SECONDS", 0.3)
        grafana.faults = [("PUT .*rule-groups/pipeline", 1.0)]
        assert publish().code == 0
        assert set(grafana.groups) == {"dossiers", "pipeline"}

    def test_a_server_that_goes_on_failing(self, publish: Publish, grafana: Stub) -> None:
        grafana.faults = [("POST /api/dashboards/db", (500, {"message": "database is locked"}))] * 3
        ended = publish()
        assert ended.code == 3
        assert ended.err == (
            f"dossier: Grafana at {grafana.url} fails with 500: database is locked (POST /dashboards/db)\n"
        )

    @pytest.mark.parametrize(
        ("pattern", "answer", "code", "said"),
        [
            ("GET /api/folders", recorded("wrong token"), 2, "does not know this token (Invalid API key)"),
            ("POST /api/folders", recorded("viewer may not create"), 2, "Permissions needed: folders:create"),
            ("POST /api/folders", recorded("folder again"), 1, "the folder has been changed by someone else"),
            ("POST /api/datasources", recorded("data source again"), 1, "the same name already exists"),
            ("POST /api/dashboards/db", recorded("viewer may not save"), 2, "dashboards:create, dashboards:write"),
            (
                "POST /api/dashboards/db",
                recorded("dashboard saved again unchanged, no overwrite"),
                1,
                "changed by someone else (POST /dashboards/db): publish again",
            ),
            ("PUT .*rule-groups", recorded("rule group, interval not a multiple of 10 s"), 1, "interval (15s)"),
            ("POST /apis", recorded("strict dry run, bad"), 1, f"dashboard {DASHBOARDS[0]['uid']}: Grafana does not"),
            ("GET /api/folders", (200, "<html>log in</html>"), 3, "is no JSON: is it a Grafana?"),
            ("GET /api/folders", (200, "[" * 100_000), 3, "is no JSON: is it a Grafana?"),
            ("GET /api/folders", (200, "[" * 500 + "]" * 500), 3, "is nested more than 100 deep: is it a Grafana?"),
            ("GET /api/folders", (200, []), 3, "answers /folders/dossiers otherwise than a Grafana does: Expected"),
            ("GET /api/playlists", (200, {}), 3, "answers /playlists otherwise than a Grafana does: Expected `array`"),
            (
                "GET /api/playlists",
                (200, [1]),
                3,
                "answers /playlists otherwise than a Grafana does: Exp",
            ),
            ("GET /api/search", (200, [{"title": "x"}]), 3, "otherwise than a Grafana does: Object missing required"),
            ("GET /api/dashboards", (200, {"dashboard": 1}), 3, "otherwise than a Grafana does: "),
            ("GET /api/folders", (400, ["message"]), 1, "Grafana does not take it: ['message']"),
            ("GET /api/folders", (302, {}), 3, "points to '': correct DOSSIER_GRAFANA"),
        ],
    )
    def test_what_grafana_refuses_is_said_in_its_words(
        self, publish: Publish, grafana: Stub, pattern: str, answer: tuple[int, object], code: int, said: str
    ) -> None:
        grafana.faults = [(pattern, answer)]
        ended = publish()
        assert ended.code == code
        assert said in ended.err.splitlines()[-1]
        assert TOKEN not in ended.err + ended.out

    def test_what_was_broken_off_is_finished_the_next_time(self, publish: Publish, grafana: Stub) -> None:
        grafana.faults = [("PUT .*rule-groups/dossiers", recorded("viewer may not save"))]
        assert publish().code == 2
        ended = publish()
        assert ended.code == 0
        assert ended.err == f"3 of {ALL} objects changed\n"

    def test_a_grafana_that_is_away(self, publish: Publish, unused_port: int) -> None:
        ended = publish(grafana=f"http://127.0.0.1:{unused_port}")
        assert ended.code == 3
        assert ended.reason == (
            f"Grafana at http://127.0.0.1:{unused_port} does not answer (ConnectionError): is DOSSIER_GRAFANA right?"
        )

    def test_a_grafana_before_12_validates_nothing(self, publish: Publish, grafana: Stub) -> None:
        grafana.faults = [("GET /apis/", (404, {"message": "Not found"}))]
        assert publish().code == 0
        assert not any("dryRun" in path for _, path, _ in grafana.requests)

    def test_where_to_publish_must_be_said(self, publish: Publish) -> None:
        assert publish(grafana_token="").reason.startswith("DOSSIER_GRAFANA and DOSSIER_GRAFANA_TOKEN must both")
        assert publish(grafana_clickhouse="").reason.startswith("DOSSIER_GRAFANA_CLICKHOUSE must be set")
        assert "is not an address" in publish(grafana="grafana.example").reason


def test_differences_name_the_place() -> None:
    wanted = {"a": [1, {"b": "x"}], "c": None, "d": True}
    assert list(differences(wanted, wanted | {"more": 1})) == []
    assert list(differences(wanted, wanted | {"more": 1}, exact=True)) == ["more: 1 -> nothing"]
    assert list(differences(wanted, {"a": [1, {"b": "y"}, 3], "d": 1})) == [
        "a[1].b: 'y' -> 'x'",
        "a: 3 -> 2 items",
        "d: 1 -> True",
    ]
