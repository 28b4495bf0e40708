"""Only its owner enters a data directory and knows its secrets."""

import os
import stat
from pathlib import Path

import pytest

from deploy.embedded.atomic_file import write_atomically
from deploy.embedded.generated_secrets import FOLDER, NAMES, keep_secrets, read_secrets
from deploy.embedded.private_directory import make_private
from deploy.embedded.process import KEPT, clean
from deploy.errors import UnusableData


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_directory_and_its_files_are_the_owners_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        assert make_private(tmp_path / "deep" / "data") is False
        keep_secrets(tmp_path / "deep" / "data")
        write_atomically(tmp_path / "deep" / "data" / "state.json", b"{}")
    finally:
        os.umask(before)
    data = tmp_path / "deep" / "data"
    assert mode(data) == mode(data / FOLDER) == 0o700
    assert {mode(data / FOLDER / name) for name in NAMES} == {mode(data / "state.json")} == {0o600}


def test_one_that_was_open_is_closed_and_said_to_have_been(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    assert make_private(tmp_path / "data") is True
    assert mode(tmp_path / "data") == 0o700
    assert make_private(tmp_path / "data") is False


def test_one_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 1 + os.getuid())
    with pytest.raises(UnusableData, match=r"data belongs to \w+: be that user, or use another --data"):
        make_private(tmp_path / "data")


def test_secrets_are_made_once_differ_and_never_show(tmp_path: Path) -> None:
    secrets = keep_secrets(tmp_path)
    words = {secrets.owner.reveal(), secrets.reader.reveal(), secrets.kafka.reveal()}
    assert len(words) == 3
    assert all(len(word) == 32 for word in words)
    assert keep_secrets(tmp_path) == read_secrets(tmp_path / FOLDER) == secrets
    assert not any(word in repr((secrets, secrets.kafka_at("k:1"), secrets.clickhouse_at("c:1"))) for word in words)


def test_a_secret_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    keep_secrets(tmp_path)
    file = tmp_path / FOLDER / "kafka"
    file.chmod(0o640)
    with pytest.raises(UnusableData, match=r"others may read .*kafka"):
        read_secrets(tmp_path / FOLDER)
    file.chmod(0o600)
    file.write_text('";x="')
    with pytest.raises(UnusableData, match="holds no secret"):
        read_secrets(tmp_path / FOLDER)
    file.unlink()
    file.symlink_to(tmp_path / FOLDER / "clickhouse-owner")
    with pytest.raises(UnusableData, match="cannot be read"):
        read_secrets(tmp_path / FOLDER)


def test_a_server_gets_nothing_of_what_a_person_keeps_in_the_environment() -> None:
    environment = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "DOSSIER_GRAFANA_TOKEN": "t",
        "AWS_SECRET_ACCESS_KEY": "k",
        "HOME": "/",
    }
    assert clean(environment) == {"PATH": "/bin", "LC_ALL": "C", "HOME": "/"}
    assert not any(name.startswith("DOSSIER") for name in KEPT)
