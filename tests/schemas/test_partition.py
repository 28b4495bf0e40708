import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.partition import partition_of

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


def test_dossiers_spread_evenly() -> None:
    held = [0] * 8
    for number in range(4000):
        held[partition_of(f"H01.2026.{number:06}", 8)] += 1
    assert 400 < min(held) <= max(held) < 600
