"""What holds of every dashboard: Grafana shows it as meant, and its like nowhere else."""

import json
import re
from collections import Counter
from typing import Any

import pytest
import yaml

from grafana.build import DASHBOARDS, FOLDER, WALLBOARDS
from grafana.dashboard import COLUMNS, TAG, WALL_ROWS
from grafana.panels import DATASOURCE
from grafana.sql import variables_in
from grafana.wallboards import playlist

BOARDS = pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board["uid"])
WALLS = pytest.mark.parametrize("board", WALLBOARDS, ids=lambda board: board["uid"])


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    return {
        (x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])
    }


def test_uids_and_titles_are_unique_and_uids_are_such_as_grafana_takes() -> None:
    # A duplicate silently stops Grafana from loading any of them.
    assert max(Counter(board["uid"] for board in DASHBOARDS).values()) == 1
    assert max(Counter(board["title"] for board in DASHBOARDS).values()) == 1
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", board["uid"]) for board in DASHBOARDS)


@BOARDS
def test_panels_have_ids_of_their_own_and_lie_beside_each_other(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) > 0
    taken = Counter(cell for panel in board["panels"] for cell in cells(panel))
    assert not [cell for cell, panels in taken.items() if panels > 1]
    assert all(0 <= x < COLUMNS and y >= 0 for x, y in taken)


@BOARDS
def test_a_dashboard_is_classic_has_our_tag_and_cannot_be_edited(board: dict[str, Any]) -> None:
    assert isinstance(board["panels"], list)
    assert "elements" not in board
    assert TAG in board["tags"]
    assert board["editable"] is False
    assert board["timezone"] != "browser"
    assert board["title"]
    assert board["description"]


@BOARDS
def test_every_panel_says_what_it_shows_in_both_languages_and_in_a_unit(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        if panel["type"] in {"row", "text"}:
            continue
        assert " / " in panel["title"], panel["title"]
        assert panel["description"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]


@BOARDS
def test_every_query_goes_to_the_one_data_source_and_uses_only_variables_that_exist(board: dict[str, Any]) -> None:
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            assert panel["datasource"] == target["datasource"] == DATASOURCE
            assert target["format"] in {0, 1}
            assert variables_in(target["rawSql"]) <= variables
            assert "-- " not in target["rawSql"], "a macro in a comment would be expanded"


def test_the_data_source_is_the_one_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/dossiers.yaml").read_text())["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE


def test_the_provider_reads_classic_dashboards_that_nobody_edits() -> None:
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/dossiers.yaml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False


@BOARDS
def test_links_lead_to_dashboards_that_exist(board: dict[str, Any]) -> None:
    for uid in re.findall(r"/d/([\w-]+)", json.dumps(board)):
        assert uid in {other["uid"] for other in DASHBOARDS}


@WALLS
def test_a_wallboard_fills_the_screen_and_has_no_variables(board: dict[str, Any]) -> None:
    filled = set().union(*map(cells, board["panels"]))
    assert filled == {(x, y) for x in range(COLUMNS) for y in range(WALL_ROWS)}
    assert board["templating"]["list"] == []
    assert "$" not in "".join(target["rawSql"] for panel in board["panels"] for target in panel["targets"])


@WALLS
def test_on_a_wallboard_the_worst_thing_comes_first(board: dict[str, Any]) -> None:
    first = min(board["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    assert "quá hạn" in first["title"]


def test_the_playlist_shows_every_wallboard_today_first() -> None:
    assert [item["value"] for item in playlist()["items"]] == [board["uid"] for board in WALLBOARDS]
    assert playlist()["items"][0]["value"] == "dossiers-wall-day"


@BOARDS
def test_a_list_of_choices_reads_back_as_it_was_meant(board: dict[str, Any]) -> None:
    for variable in board["templating"]["list"]:
        if variable["type"] == "custom":
            # As Grafana reads it: a comma ends a choice unless it is escaped, a colon parts text and value.
            parts = [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", variable["query"])]
            read = [tuple(part.split(" : ")) for part in parts]
            assert read == [(option["text"], option["value"]) for option in variable["options"]]
