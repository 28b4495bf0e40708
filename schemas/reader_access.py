"""Who may use ClickHouse, and how: the owner, which counts, and the reader, which dashboards and analysts use."""

from schemas.tables import ARGUMENTS

OWNER = "default"
READER = "reader"
DICTIONARY_USER = "dossier_dictionaries"
"""As whom ClickHouse reads the sources of dictionaries: without a password, and only from the server itself."""
DICTIONARY_SOURCES = ("reference_loads", "agencies", "agency_placements", "procedures")
"""The tables that dictionaries are made of, all that this user may read."""
NAMES_ROLE = "dossier_officials"
"""The role that may read the names of officials; each site gives it to whom it chooses."""
GRANTED = ("SELECT", "dictGet")
"""What the reader may do with all of a database, but for these tables with personal data."""
UNREADABLE = frozenset({"official_names"})

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
"""The most that a query of the reader may take: it can ask for less, never for more."""

CHANGEABLE = frozenset(
    {"final", "join_algorithm", "join_use_nulls", "optimize_aggregation_in_order", "session_timezone"}
    | {"transform_null_in"}
    # Our own commands send these with every query; they have an effect on inserts alone.
    | {"async_insert", "insert_quorum", "insert_quorum_parallel", "max_partitions_per_insert_block"}
    | {"optimize_on_insert", "select_sequential_consistency"}
)
"""Other settings that the reader may change: they change what a query means or costs within its limits."""

VIEW_FUNCTIONS = frozenset(ARGUMENTS)
"""Views that are called like functions."""


def reader_statements(database: str, password: str) -> tuple[str, ...]:
    """The SQL that creates the same reader on a real ClickHouse server; neither text may need quoting."""
    return (
        f"CREATE SETTINGS PROFILE IF NOT EXISTS {READER} SETTINGS\n    {_profile()}",
        f"CREATE USER IF NOT EXISTS {READER} IDENTIFIED BY '{password}' SETTINGS PROFILE '{READER}'",
        *grant_statements(database),
    )


def dictionary_statements(database: str) -> tuple[str, ...]:
    """The SQL that creates the user of dictionaries on a real server; it may be run again."""
    return (
        f"CREATE USER IF NOT EXISTS {DICTIONARY_USER} IDENTIFIED WITH no_password HOST LOCAL",
        *(f"GRANT SELECT ON {database}.{table} TO {DICTIONARY_USER}" for table in DICTIONARY_SOURCES),
    )


def names_statements(database: str) -> tuple[str, ...]:
    """The SQL that creates the role for names of officials on a real server; it may be run again."""
    return (
        f"CREATE ROLE IF NOT EXISTS {NAMES_ROLE}",
        *(f"GRANT SELECT ON {database}.{table} TO {NAMES_ROLE}" for table in sorted(UNREADABLE)),
    )


def settings_statements() -> tuple[str, ...]:
    """The SQL that gives an existing reader the declared settings, whatever it had."""
    return (
        f"CREATE SETTINGS PROFILE OR REPLACE {READER} SETTINGS\n    {_profile()}",
        # The replaced profile has another id, and a user refers to the id.
        f"ALTER USER {READER} SETTINGS PROFILE '{READER}'",
    )


def grant_statements(database: str) -> tuple[str, str]:
    """What the reader is granted for a database, and the exception from it, as ClickHouse shows both, too."""
    closed = ", ".join(f"SELECT ON {database}.{table}" for table in sorted(UNREADABLE))
    return f"GRANT {', '.join(GRANTED)} ON {database}.* TO {READER}", f"REVOKE {closed} FROM {READER}"


def _profile() -> str:
    bounds = [f"{name} = {most} MIN 1 MAX {most} CHANGEABLE_IN_READONLY" for name, most in LIMITS.items()]
    changeable = [f"{name} CHANGEABLE_IN_READONLY" for name in sorted(CHANGEABLE)]
    return ",\n    ".join(["readonly = 1", *bounds, *changeable])
