"""Who may use ClickHouse, and how: the owner, who counts, and a reader, whom dashboards and analysts are."""

OWNER = "default"
READER = "reader"

LIMITS: dict[str, int] = {
    "max_memory_usage": 2 << 30,
    "max_execution_time": 60,
    "max_rows_to_read": 2_000_000_000,
    "max_result_rows": 1_000_000,
    "max_result_bytes": 1 << 30,
    "max_temporary_data_on_disk_size_for_query": 2 << 30,
    "max_threads": 4,
    "max_block_size": 1 << 17,
}
"""What a query of the reader may take: it can ask for less, never for more."""

CHANGEABLE = frozenset(
    {"final", "join_algorithm", "join_use_nulls", "optimize_aggregation_in_order", "session_timezone"}
    | {"transform_null_in"}
    # What our own commands say with every query, and what means something to those who insert alone.
    | {"async_insert", "insert_quorum", "insert_quorum_parallel", "max_partitions_per_insert_block"}
    | {"optimize_on_insert", "select_sequential_consistency"}
)
"""Other settings that the reader may change: they change what a query means or costs within its limits."""


def reader_statements(database: str, password: str) -> tuple[str, ...]:
    """The SQL that gives a real ClickHouse server the same reader; neither text may need quoting."""
    bounds = [f"{name} = {most} MIN 1 MAX {most} CHANGEABLE_IN_READONLY" for name, most in LIMITS.items()]
    changeable = [f"{name} CHANGEABLE_IN_READONLY" for name in sorted(CHANGEABLE)]
    settings = ",\n    ".join(["readonly = 1", *bounds, *changeable])
    return (
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {READER} SETTINGS\n    {settings}",
        f"CREATE USER IF NOT EXISTS {READER} IDENTIFIED BY '{password}' SETTINGS PROFILE '{READER}'",
        f"GRANT SELECT ON {database}.* TO {READER}",
    )
