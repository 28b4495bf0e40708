"""What the events of a batch change is applied to the windows: each change once, by its position."""

from collections.abc import Sequence

from streams.counting.batch import Batch
from streams.counting.caches import CachedWindow, WindowCache
from streams.counting.contributions import Window
from streams.counting.packed_counters import packed
from streams.counting.partition_run import PartitionRun
from streams.counting.rows import window_columns
from streams.counting.store_interface import Store, WindowRow


def load_windows(store: Store, runs: Sequence[PartitionRun]) -> None:
    """Bring all windows that change into the caches, where they count as used now."""
    missing: dict[WindowRow, WindowCache] = {}
    for run in runs:
        cache = run.state.windows
        for window in run.windows:
            if window in cache.rows:
                cache.rows.move_to_end(window)
            elif window[1] > cache.newest:
                cache.rows[window] = CachedWindow(0, 0)
            else:
                missing[*window, run.state.partition] = cache
    if not missing:
        return
    found = store.read_windows(missing.keys())
    for row, cache in missing.items():
        stored = found.get(row)
        cache.rows[row[:2]] = CachedWindow(stored[0], packed(stored[1])) if stored else CachedWindow(0, 0)


def apply_deltas(run: PartitionRun, batch: Batch) -> None:
    """Apply each delta to the window rows that are older than it; every row that it changes is written."""
    windows = run.state.windows.rows
    changed: dict[Window, CachedWindow] = {}
    for pos, delta in run.deltas:
        for window, amount in delta.items():
            row = windows[window]
            if pos > row.pos:
                row.counts += amount
                row.pos = pos
                changed[window] = row
    rows = [(*window, row.pos, row.counts) for window, row in changed.items()]
    if rows:
        batch.windows.extend_columns(window_columns(run.state.partition, rows))
