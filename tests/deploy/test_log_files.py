"""Logs of supervised processes stay bounded and say why something ended."""

from pathlib import Path

from deploy.embedded.log_files import bound_log, cause_line, last_lines


def test_a_small_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    assert not bound_log(log)
    log.write_text("one\n")
    assert not bound_log(log, limit=4)
    assert log.read_text() == "one\n"


def test_a_writer_goes_on_in_the_emptied_log(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"before\n")
        assert bound_log(log, limit=4)
        writer.write(b"after\n")
    assert log.read_text() == "after\n"
    assert (tmp_path / "kafka.log.1").read_text() == "before\n"


def test_without_room_for_the_copy_the_log_is_emptied_all_the_same(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("before\n")
    (tmp_path / "kafka.log.1").symlink_to("/dev/full")
    assert bound_log(log, limit=4)
    assert log.read_text() == ""


def test_the_last_lines_are_those_since_a_start(tmp_path: Path) -> None:
    log = tmp_path / "kafka.log"
    log.write_text("old\n")
    start = log.stat().st_size
    assert last_lines(log, 3, start) == ()
    with log.open("a") as writer:
        writer.write("a\n\nb\nc\nd")
    assert last_lines(log, 3, start) == ("b", "c", "d")
    assert last_lines(log, 9, start) == ("a", "b", "c", "d")
    assert last_lines(tmp_path / "none", 3) == ()


def test_a_stack_trace_is_told_by_the_line_it_belongs_to() -> None:
    java = ("ERROR it broke", "java.net.BindException: Address already in use", "\tat java.base/sun.nio", "\tat x")
    assert cause_line(java) == "java.net.BindException: Address already in use"
    python = ("Traceback (most recent call last):", '  File "x.py", line 1', "ValueError: no")
    assert cause_line(python) == "ValueError: no"
    assert cause_line(("  only", "  traces")) == "traces"
    assert cause_line(()) == ""


def test_a_line_of_json_is_told_as_a_person_reads_it() -> None:
    line = '{"time":"2026","level":"CRITICAL","message":"no table","table":"facts","trace":["a:1 b"]}'
    assert cause_line((line,)) == "no table time=2026 level=CRITICAL table=facts"
    assert cause_line(("{no json",)) == "{no json"
    assert cause_line(('{"of": "another"}',)) == '{"of": "another"}'
