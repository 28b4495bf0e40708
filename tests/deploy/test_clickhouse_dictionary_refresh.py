"""Dictionaries of the embedded server follow their sources, as those of a full server do."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
from deploy.embedded.clickhouse.dictionary_refresh import DictionaryRefresh
from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.engine_connection import EngineConnection

engine = Engine(Path(sys.argv[1]), readable=["d"])
connection = EngineConnection(engine)
refresh = DictionaryRefresh(engine)
connection.execute("CREATE DATABASE d")
connection.execute("CREATE TABLE d.agencies (code String, name String) ENGINE = MergeTree ORDER BY code")
connection.execute("CREATE TABLE d.reference_loads (load UInt64) ENGINE = MergeTree ORDER BY load")
user = "SOURCE(CLICKHOUSE(USER 'dossier_dictionaries' QUERY 'SELECT * FROM d.agencies' {})) LIFETIME(MIN {} MAX {})"
loads = "INVALIDATE_QUERY 'SELECT max(load), \\\\'it\\\\\\\\\\\\'s\\\\' FROM d.reference_loads'"
for name, options in (("by_load", (loads, 1, 1)), ("by_time", ("", 0, 1)), ("never", ("", 0, 0))):
    connection.execute(f"CREATE DICTIONARY d.{name} (code String, name String) PRIMARY KEY code "
        + "LAYOUT(COMPLEX_KEY_HASHED()) " + user.format(*options))

def names():
    asked = (f"dictGet('d.{name}', 'name', 'a')" for name in ("by_load", "by_time", "never"))
    return connection.rows(f"SELECT {', '.join(asked)}")[0]

def change(sql):
    connection.execute(sql)
    connection.execute("SELECT sleep(1.1)")
    refresh.refresh(connection)
    print(*names())

refresh.refresh(connection)
connection.execute("INSERT INTO d.agencies VALUES ('a', 'one')")
connection.execute("INSERT INTO d.reference_loads VALUES (1)")
print(*names())
change("ALTER TABLE d.agencies UPDATE name = 'two' WHERE 1 SETTINGS mutations_sync = 2")
change("ALTER TABLE d.agencies UPDATE name = 'three' WHERE 1 SETTINGS mutations_sync = 2")
change("INSERT INTO d.reference_loads VALUES (2)")
change("RENAME TABLE d.agencies TO d.hidden SETTINGS check_table_dependencies = 0")
connection.close()
engine.close()
"""


@pytest.mark.clickhouse
def test_a_dictionary_is_read_again_when_its_query_says_so_or_its_time_has_come(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "data")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "one one one",
        "two two one",  # new to the refresh: it may have been read before
        "two three one",
        "three three one",
        "three three one",  # a source that is away leaves what was read
    ]
