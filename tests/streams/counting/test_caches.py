"""What is cached of a partition is bounded in rows and bytes, and nothing goes that is not yet written."""

from streams.counting.caches import CachedWindow, FactsCache, WindowCache
from streams.counting.store_interface import Stored


def cache_of(**sizes: int) -> FactsCache:
    cache = FactsCache()
    for dossier, size in sizes.items():
        cache.put(dossier, Stored(1, bytes(size)))
    return cache


def left(cache: FactsCache) -> set[str]:
    return {dossier for dossier in ("A", "B", "C", "D") if dossier in cache}


def test_the_size_is_that_of_the_registers_that_are_cached_now() -> None:
    cache = cache_of(A=10, B=20)
    cache.put("A", Stored(2, bytes(15)))
    assert (cache.bytes, len(cache)) == (35, 2)
    cache.evict(1, 1000, set())
    assert (cache.bytes, left(cache)) == (15, {"A"})


def test_the_least_recently_used_go_first_until_rows_and_bytes_are_few_enough() -> None:
    cache = cache_of(A=10, B=10, C=10, D=10)
    cache.touch("A")
    cache.evict(3, 1000, set())
    assert left(cache) == {"A", "C", "D"}
    cache.evict(3, 20, set())
    assert left(cache) == {"A", "D"}


def test_what_is_not_yet_written_stays_however_large_it_is() -> None:
    cache = cache_of(A=10, B=500, C=500)
    cache.evict(0, 0, {"B", "C"})
    assert left(cache) == {"B", "C"}
    assert cache.bytes == 1000


def test_what_is_not_yet_written_stays_and_others_go_in_its_place() -> None:
    cache = cache_of(A=10, B=10, C=10, D=10)
    cache.evict(2, 1000, {"A", "C"})
    assert left(cache) == {"A", "C"}
    windows = WindowCache(newest=0)
    for start in (300, 600, 900):
        windows.rows["H01", start] = CachedWindow(1, 1)
    windows.evict(1, {("H01", 300)})
    assert set(windows.rows) == {("H01", 300)}


def test_a_window_that_was_evicted_must_be_read_and_a_newer_one_is_empty() -> None:
    cache = WindowCache(newest=600)
    for start in (300, 900, 1200):
        cache.rows["H01", start] = CachedWindow(1, 1)
    assert [cache.must_be_read(("H02", start)) for start in (300, 600, 900)] == [True, True, False]
    cache.evict(1, set())
    assert [cache.must_be_read(("H01", start)) for start in (300, 900, 1200, 1500)] == [True, True, False, False]


def test_a_reset_trusts_only_what_is_stored_now() -> None:
    cache = WindowCache(newest=0)
    cache.rows["H01", 300] = CachedWindow(1, 1)
    cache.reset(900)
    assert len(cache) == 0
    assert cache.must_be_read(("H01", 900))
