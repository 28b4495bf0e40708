"""Which ports the servers get."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.embedded import ports as ports_module
from deploy.embedded.ports import RANGE, choose_ports, keep_ports
from deploy.errors import PortTaken

ports = st.integers(20_000, 20_050)
names = st.sampled_from(["kafka", "controller", "clickhouse"])


def counting_up(start: int = 20_100) -> Callable[[], int]:
    numbers: Iterator[int] = iter(range(start, start + 1000))
    return lambda: next(numbers)


@given(st.sets(names), st.dictionaries(names, ports), st.sets(ports))
def test_chosen_ports_are_free_distinct_and_kept_where_possible(
    wanted: set[str], kept: dict[str, int], taken: set[int]
) -> None:
    chosen = choose_ports(dict.fromkeys(wanted), kept, lambda port: port not in taken, counting_up())
    assert chosen.keys() == wanted
    assert not taken & set(chosen.values())
    assert len(set(chosen.values())) == len(chosen)
    first_come = {name for name in wanted if list(kept.values()).count(kept.get(name, 0)) == 1}
    for name in first_come:
        assert chosen[name] == kept[name] or kept[name] in taken


def test_a_given_port_wins_over_the_kept_one() -> None:
    chosen = choose_ports({"kafka": 9092, "controller": None}, {"kafka": 20_001}, lambda _: True, counting_up())
    assert chosen == {"kafka": 9092, "controller": 20_100}


def test_a_kept_port_gives_way_to_another_servers_given_one() -> None:
    chosen = choose_ports({"kafka": None, "clickhouse": 20_001}, {"kafka": 20_001}, lambda _: True, counting_up())
    assert chosen == {"clickhouse": 20_001, "kafka": 20_100}


def test_a_given_port_in_use_is_refused_with_the_option_to_change() -> None:
    with pytest.raises(PortTaken, match=r"port 9092 is in use.*--kafka-port"):
        choose_ports({"kafka": 9092}, {}, lambda _: False, counting_up())


def test_one_port_for_two_servers_is_refused() -> None:
    with pytest.raises(PortTaken, match="port 9000 is asked for twice"):
        choose_ports({"kafka": 9000, "clickhouse": 9000}, {}, lambda _: True, counting_up())


def test_ports_stay_over_starts_and_move_only_when_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, taken = tmp_path / "ports.json", set[int]()
    monkeypatch.setattr(ports_module, "is_free", lambda port: port not in taken)
    first, moved = keep_ports(file, {"kafka": None, "clickhouse": None})
    assert not moved
    assert all(port in RANGE for port in first.values())
    assert keep_ports(file, {"kafka": None}) == ({"kafka": first["kafka"]}, {})
    taken.add(first["kafka"])
    second, moved = keep_ports(file, {"kafka": None, "clickhouse": None})
    assert second["clickhouse"] == first["clickhouse"]
    assert moved == {"kafka": second["kafka"]} != {"kafka": first["kafka"]}
    taken.clear()
    assert keep_ports(file, {"kafka": None, "clickhouse": None}) == (second, {})


def test_a_damaged_file_of_ports_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda _: True)
    (tmp_path / "ports.json").write_text("{")
    chosen, _ = keep_ports(tmp_path / "ports.json", {"kafka": None})
    assert keep_ports(tmp_path / "ports.json", {"kafka": None}) == (chosen, {})
