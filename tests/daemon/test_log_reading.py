import json
from pathlib import Path
from typing import Any

import pytest
from fakes.command_line import CommandLine
from hypothesis import given
from hypothesis import strategies as st

from panini_daemon.commands.logs import Filter, follow_logs
from panini_daemon.exit_codes import ExitCode
from panini_daemon.log_reading import Follower, list_logs, parse_lines, read_last
from panini_daemon.logs import TreeLog
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import StoreUnavailable
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

ALL = Filter()


def line(second: int, event: str = "chunk_committed", **fields: Any) -> bytes:
    stamp = f"2026-03-01T12:{second // 60:02d}:{second % 60:02d}.000Z"
    return json.dumps({"timestamp": stamp, "level": "info", "event": event, **fields}).encode() + b"\n"


def seconds(lines: list[Any]) -> list[int]:
    return [60 * int(one["timestamp"][14:16]) + int(one["timestamp"][17:19]) for one in lines]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    made = LocalStore(tmp_path)
    made.write("logs/a.jsonl", line(4) + line(6))
    made.write("logs/a.jsonl.1", line(1) + line(2))
    made.write("logs/b.jsonl", line(3, worker="b") + line(5, worker="b"))
    return made


@pytest.mark.parametrize("count", range(8))
def test_the_last_lines_of_all_workers_come_in_time_order(store: LocalStore, count: int) -> None:
    assert seconds(read_last(store, count, ALL)) == [1, 2, 3, 4, 5, 6][max(0, 6 - count) :]


def test_one_worker_s_lines_can_be_asked_for(store: LocalStore) -> None:
    assert seconds(read_last(store, 9, ALL, worker="b")) == [3, 5]
    assert list(list_logs(store, "nobody")) == []


def test_lines_far_back_are_found_where_a_filter_wants_them(store: LocalStore) -> None:
    store.append("logs/a.jsonl", b"".join(line(10 + at % 40) for at in range(9000)))
    store.append("logs/a.jsonl", line(55, "job_failed"))
    found = read_last(store, 3, lambda one: one["event"] == "job_failed" or one["timestamp"][17:19] in {"01", "04"})
    assert seconds(found) == [1, 4, 55]


def test_half_a_line_and_what_is_no_object_are_passed_over(store: LocalStore) -> None:
    store.append("logs/b.jsonl", b'[1]\nnonsense\n{"timestamp": "2026-03-01T12:00:09')
    assert seconds(read_last(store, 9, ALL, worker="b")) == [3, 5]


@given(st.binary(max_size=200))
def test_any_bytes_can_stand_in_a_log(data: bytes) -> None:
    assert all(isinstance(one, dict) for one in parse_lines(data))


def test_following_gives_each_new_line_once_and_waits_for_its_end(store: LocalStore) -> None:
    follower = Follower(store)
    assert follower.read(ALL) == []
    store.append("logs/b.jsonl", line(8)[:20])
    store.append("logs/a.jsonl", line(9))
    assert seconds(follower.read(ALL)) == [9]
    store.append("logs/b.jsonl", line(8)[20:])
    assert seconds(follower.read(ALL)) == [8]
    store.write("logs/c.jsonl", line(10) + line(11))
    assert seconds(follower.read(ALL)) == [10, 11]
    assert follower.read(ALL) == []


def test_following_loses_no_line_over_a_rotation(store: LocalStore) -> None:
    log = TreeLog(store, "logs/w.jsonl", max_bytes=400, backups=3)
    follower, seen = Follower(store), []
    for at in range(12, 52):
        log.add(line(at).decode().strip())
        assert log.flush()
        if at % 3 == 0:
            seen += seconds(follower.read(ALL))
    seen += seconds(follower.read(ALL))
    assert seen == list(range(12, 52))


def test_following_waits_for_a_tree_that_is_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Shaky(LocalStore):
        fails = 2

        def check_root(self) -> None:
            self.fails -= 1
            if self.fails >= 0:
                raise StoreUnavailable("the mount is away")

    store, told, naps = Shaky(tmp_path), [], []

    def sleep(_: float) -> None:
        naps.append(1)
        if len(naps) == 2:
            store.write("logs/a.jsonl", line(1))
        if len(naps) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_logs(Follower(store), ALL, told.append, store, sleep)
    assert seconds(told) == [1]
    assert capsys.readouterr().err == "waiting: the mount is away\n"


@pytest.mark.parametrize(
    ("options", "events"),
    [
        ([], ["started", "chunk_committed", "chunk_failed"]),
        (["--level", "error"], ["chunk_failed"]),
        (["--event", "chunk_*"], ["chunk_committed", "chunk_failed"]),
        (["--job", "j-1"], ["chunk_committed"]),
        (["--since", "2026-03-01T12:00:03"], ["chunk_failed"]),
        (["-n", "1"], ["chunk_failed"]),
        (["--worker", "none"], []),
    ],
)
def test_the_command_filters(
    options: list[str],
    events: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli = CommandLine(tmp_path, monkeypatch, capsys)
    store = LocalStore(tmp_path / "PaniniFS")
    (tmp_path / "PaniniFS").mkdir()
    open_root(store, create=True, clock=SystemClock())
    store.write(
        "logs/w.jsonl",
        line(1, "started") + line(2, job="j-1", worker="w") + line(3, "chunk_failed", job="j-2", level="error"),
    )
    ran = cli("logs", "--json", *options)
    assert ran.code == ExitCode.OK
    assert [json.loads(one)["event"] for one in ran.out.splitlines()] == events


def test_a_person_reads_times_events_and_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(tmp_path, monkeypatch, capsys)
    (tmp_path / "PaniniFS").mkdir()
    store = LocalStore(tmp_path / "PaniniFS")
    open_root(store, create=True, clock=SystemClock())
    store.write("logs/w.jsonl", line(61, chunk="a #1", ratio=0.25, worker="w"))
    (shown,) = cli("logs").out.splitlines()
    assert shown.startswith("2026-03-01 12:01:01 [info]")
    assert "chunk=a #1" in shown.replace("'", "")
    assert "saved=75.0%" in shown
    assert "worker=w" in shown


@pytest.mark.parametrize("options", [["--level", "loud"], ["--since", "soon"]])
def test_a_wrong_filter_is_said_to_be(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = CommandLine(tmp_path, monkeypatch, capsys)("logs", *options)
    assert ran.code == ExitCode.USAGE
    assert "expected" in ran.err
