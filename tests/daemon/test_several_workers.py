"""Several worker processes under one supervisor, for real."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import bad_plugins
from fakes.daemon_process import Daemon, Site, wait_until

from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow

TEXT = b"All the world's a stage, and all the men and women merely players. " * 60
BOTH = ("w1-1", "w1-2")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, workers="2")
    yield site
    site.close()


def start_idle(site: Site) -> Daemon:
    daemon = site.start()
    daemon.wait_until(lambda: all(state_of(site, worker) == "idle" for worker in BOTH), "two idle workers")
    return daemon


def state_of(site: Site, worker: str) -> str | None:
    path = site.root / "status" / f"{worker}.json"
    return str(site.status(worker)["state"]) if path.exists() else None


def pid_of(site: Site, worker: str) -> int:
    flag = f"--worker={worker}\0".encode()
    (pid,) = [pid for pid in site.alive() if flag in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return pid


def test_with_once_all_end_when_the_inbox_is_empty_and_one_report_tells_of_all(site: Site) -> None:
    for number in range(20):
        site.submit(f"play-{number}.txt", TEXT + bytes([number]))
    daemon = site.run_once("--json")
    assert daemon.wait() == ExitCode.OK, daemon.err
    report = json.loads(daemon.out)
    assert report["totals"]["chunks"] == report["totals"]["jobs_done"] == 20
    assert sorted(chunk["chunk"] for chunk in report["chunks"]) == sorted(
        f"{base}/chunk_0000" for base in site.submitted
    )
    assert {event["worker"] for event in site.events()} == set(BOTH)
    site.assert_all_restore()
    site.assert_nothing_left()


def test_one_signal_ends_all_of_them_well(site: Site) -> None:
    daemon = start_idle(site)
    daemon.stop(signal.SIGINT)
    assert [state_of(site, worker) for worker in BOTH] == ["stopped", "stopped"]
    site.assert_nothing_left()


def test_a_second_signal_ends_all_of_them_at_once(site: Site) -> None:
    site.environment["PYTHONPATH"] = str(bad_plugins.install(site.folder / "site", bad_plugins.Hangs))
    for number in range(12):
        site.submit(f"play-{number}.txt", TEXT + bytes([number]))
    daemon = site.start(log_level="debug")
    daemon.wait_for_text("job_started")
    daemon.send(signal.SIGTERM)
    daemon.wait_for_text("once more ends at once")
    daemon.send(signal.SIGTERM)
    assert daemon.wait() == ExitCode.KILLED
    wait_until(lambda: not site.alive(), "every process to leave", 10)


def test_a_worker_that_was_killed_is_started_again_and_the_log_tells(site: Site) -> None:
    daemon = start_idle(site)
    first = pid_of(site, "w1-1")
    os.kill(first, signal.SIGKILL)
    daemon.wait_until(lambda: [one for one in site.alive() if one == first] == [], "the worker's end")
    daemon.wait_until(lambda: len(site.alive()) == 3 and pid_of(site, "w1-1") != first, "another in its place")
    daemon.wait_until((site.root / "logs/w1.jsonl").exists, "the log")
    (event,) = site.events("w1")
    assert (event["event"], event["lost"], event["ended_by"]) == ("worker_died", "w1-1", "SIGKILL")
    daemon.stop()
    site.assert_nothing_left()


def test_nothing_outlives_a_supervisor_that_was_killed(site: Site) -> None:
    daemon = start_idle(site)
    daemon.kill()
    wait_until(lambda: not site.alive(), "both workers to leave", 20)
    assert [state_of(site, worker) for worker in BOTH] == ["stopped", "stopped"]
    assert site.names("leases") == []
