import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partition import partition_of, partitions_of

JAVA_CLIENT = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}
"""Hashes that Kafka's own Java client is tested with, as its signed integers."""


@pytest.mark.parametrize(("dossier", "signed"), JAVA_CLIENT.items())
@pytest.mark.parametrize("partitions", [1, 8, 12, 1024, 2**31])
def test_a_dossier_goes_where_the_java_client_would_send_it(dossier: str, signed: int, partitions: int) -> None:
    assert partition_of(dossier, partitions) == (signed & 0x7FFFFFFF) % partitions


@given(st.text(max_size=100), st.integers(1, 1024))
def test_every_dossier_has_a_partition_that_exists(dossier: str, partitions: int) -> None:
    assert 0 <= partition_of(dossier, partitions) < partitions


@given(st.lists(st.text(max_size=100), max_size=30), st.integers(1, 2**31))
def test_many_dossiers_go_where_each_of_them_would(dossiers: list[str], partitions: int) -> None:
    assert partitions_of(dossiers, partitions) == [partition_of(dossier, partitions) for dossier in dossiers]


@pytest.mark.parametrize("last", ["", "\0", "\0\0\0\0\0", "ồ"])
def test_ids_of_every_length_may_stand_together(last: str) -> None:
    dossiers = [letter * length + last for letter in "aữ\0" for length in range(40)]
    assert partitions_of(dossiers, 2**31) == [partition_of(dossier, 2**31) for dossier in dossiers]


def test_dossiers_spread_evenly() -> None:
    held = [0] * 8
    for number in range(4000):
        held[partition_of(f"H01.2026.{number:06}", 8)] += 1
    assert 400 < min(held) <= max(held) < 600
