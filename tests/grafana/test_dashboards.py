"""What holds of every dashboard: Grafana shows it as meant, and its like nowhere else."""

import json
import re
from collections import Counter
from typing import Any

import pytest
import yaml

from grafana.build import DASHBOARDS, FOLDER, WALLBOARDS
from grafana.dashboard_layout import COLUMNS, TAG, WALL_ROWS, pixels
from grafana.panels import DATASOURCE, NEUTRAL
from grafana.sql_macros import variables_in
from grafana.text_width import width
from grafana.wallboards import PADDING, WALL_PARAMETERS, playlist

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
        # On a wall the name stands in the panel, with its number: a title would take a fifth of the height.
        named = panel["description"] if "wallboard" in board["tags"] else panel["title"]
        assert " / " in named, panel["title"]
        assert panel["description"], panel["title"]
        assert bool(panel["title"]) is ("wallboard" not in board["tags"])
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


def test_a_panel_is_as_large_as_grafana_makes_it() -> None:
    # Measured on a screen of 1920×1080.
    assert pixels(6, 6) == (466, 220)
    assert pixels(24, WALL_ROWS)[1] <= 1080 - 30 - 16, "kiosk keeps a line at the foot"


LINE = 1.2
"""The height of a line, in parts of the font's size."""


@WALLS
def test_names_and_numbers_of_a_wallboard_fit_their_panels(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        across, down = pixels(panel["gridPos"]["w"], panel["gridPos"]["h"])
        sizes = panel["options"]["text"]
        room = down - 2 * PADDING
        name = panel["fieldConfig"]["defaults"].get("displayName")
        if name:
            assert (sizes["titleSize"], across - 2 * PADDING) == (26, 442)
            lines = name.split(" ")
            assert len(lines) == 2, "breaks between the languages and nowhere else"
            assert all(width(line, 26) <= across - 2 * PADDING for line in lines)
            # Both in the middle: as much before a line as after it, give or take a space.
            for line in lines:
                before = width(line, 26) - width(line.lstrip("\N{NO-BREAK SPACE}"), 26)
                assert abs(across - 2 * PADDING - before - width(line, 26)) <= 8
            assert width(" ".join(lines), 26) > across - 2 * PADDING, "else it would not break"
            assert LINE * (2 * 26 + sizes["valueSize"]) <= room
            digits = "123,456" if sizes["valueSize"] > 84 else "1,234,567"
            assert width(digits, sizes["valueSize"]) <= across - 2 * PADDING
            assert width("100.0%", sizes["valueSize"]) <= across - 2 * PADDING
        else:
            assert sizes == {"titleSize": 17, "valueSize": 22}
            assert room >= LINE * (17 + 2 * 22), "a name, and a word in two lines"
            fields = panel["fieldConfig"]["overrides"]
            for field in fields:
                (title,) = [each["value"] for each in field["properties"] if each["id"] == "displayName"]
                assert width(title, 17) <= across / len(fields) - 2 * PADDING


@WALLS
def test_without_its_data_source_a_wallboard_says_so_and_is_neither_green_nor_red(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        # Without columns no override applies, and the defaults say what a NULL is.
        (null,) = panel["fieldConfig"]["defaults"]["mappings"]
        assert null["options"]["match"] == "null+nan"
        assert null["options"]["result"]["color"] == NEUTRAL
        text = null["options"]["result"]["text"]
        assert text == ("–" if panel["gridPos"]["h"] == 6 else "không có dữ liệu / no data")
        across = pixels(panel["gridPos"]["w"], 1)[0]
        assert width(text, panel["options"]["text"]["valueSize"]) <= across - 2 * PADDING


TITLE_SIZE = 14


@BOARDS
def test_titles_of_panels_are_shown_whole(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        across, _ = pixels(panel["gridPos"]["w"], 1)
        # Its letters are of medium weight; beside it is room for the marks of a description and of a link.
        assert width(panel["title"], TITLE_SIZE) * 1.04 <= across - 16 - 48, panel["title"]


@BOARDS
def test_what_nobody_knows_has_no_colour_of_good_or_bad_in_a_number(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        if panel["type"] in {"stat", "bargauge"}:
            nulls = [
                each["options"]["result"]
                for each in panel["fieldConfig"]["defaults"]["mappings"]
                if each["type"] == "special" and each["options"]["match"] == "null+nan"
            ]
            assert [null["color"] for null in nulls] == [NEUTRAL], panel["title"]


@BOARDS
def test_bars_are_coloured_by_what_they_mean_the_most_urgent_first(board: dict[str, Any]) -> None:
    for panel in board["panels"]:
        if panel["type"] == "bargauge":
            colors = [
                each["value"]["fixedColor"]
                for override in panel["fieldConfig"]["overrides"]
                for each in override["properties"]
                if each["id"] == "color"
            ]
            order = ["dark-red", "red", "dark-orange", "dark-yellow", "dark-green"]
            assert colors == sorted(colors, key=order.index)
            assert len(colors) == len(set(colors)) >= 3


@WALLS
def test_on_a_wallboard_the_worst_thing_comes_first(board: dict[str, Any]) -> None:
    first = min(board["panels"], key=lambda panel: (panel["gridPos"]["y"], panel["gridPos"]["x"]))
    assert "quá hạn" in first["fieldConfig"]["defaults"]["displayName"].replace("\N{NO-BREAK SPACE}", " ")


def test_the_playlist_shows_every_wallboard_today_first() -> None:
    assert [item["value"] for item in playlist()["items"]] == [board["uid"] for board in WALLBOARDS]
    assert playlist()["items"][0]["value"] == "dossiers-wall-day"


def test_the_page_for_operators_opens_a_screen_as_it_was_laid_out_for() -> None:
    urls = re.findall(r"^/(?:playlists|d)/.*$", (FOLDER.parent / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    assert len(urls) == 2
    assert all(f"?{WALL_PARAMETERS}" in url and "autofitpanels" not in url for url in urls)


@BOARDS
def test_a_list_of_choices_reads_back_as_it_was_meant(board: dict[str, Any]) -> None:
    for variable in board["templating"]["list"]:
        if variable["type"] == "custom":
            # As Grafana reads it: a comma ends a choice unless it is escaped, a colon parts text and value.
            parts = [part.replace("\\,", ",").strip() for part in re.split(r"(?<!\\),", variable["query"])]
            read = [tuple(part.split(" : ")) for part in parts]
            assert read == [(option["text"], option["value"]) for option in variable["options"]]
