"""A daemon process from start to end: what it picks up, shows, costs, and how it ends."""

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import bad_plugins
from fakes.daemon_process import Site, wait_until

from panini_daemon import __version__
from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow

TEXT = b"All the world's a stage, and all the men and women merely players. " * 60
TOKEN = "ghp_" + "q8ZkP4vT1nXw7LcR"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


def install(site: Site, *plugins: type[bad_plugins.Deflate]) -> None:
    """Let every daemon that starts from now on find these plugins."""
    site.environment["PYTHONPATH"] = str(bad_plugins.install(site.folder / "site", *plugins))


def test_a_job_that_arrives_while_it_idles_is_committed_at_once(site: Site) -> None:
    site.submit("first.txt", TEXT)
    daemon = site.start(poll_max="30s")
    daemon.wait_until(lambda: (site.root / "done").is_dir() and site.names("done"), "the first job")
    time.sleep(0.5)  # it has gone idle
    begin = time.monotonic()
    site.submit("late.txt", TEXT)
    recipe = site.root / "compressed_chunks/late.txt/chunk_0000/recipe.json"
    daemon.wait_until(recipe.exists, "the commit")
    seconds = time.monotonic() - begin
    print(f"committed {seconds:.2f} s after it was submitted")  # noqa: T201
    assert seconds < 5
    daemon.stop()
    site.assert_all_restore()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_daemon_ends_at_once(site: Site, number: int) -> None:
    daemon = site.start(poll_max="30s")
    daemon.wait_for_text("started")
    time.sleep(0.5)
    seconds = daemon.stop(number)
    print(f"ended in {seconds:.2f} s")  # noqa: T201
    assert seconds < 3
    assert site.status()["state"] == "stopped"
    site.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_chunk_in_progress_is_finished_before_the_end(site: Site, number: int) -> None:
    install(site, bad_plugins.Slow)
    site.submit("play.txt", TEXT)
    for later in range(8):
        site.submit(f"later-{later}.txt", TEXT)
    daemon = site.start(log_level="debug")
    daemon.wait_until(lambda: (site.root / "leases").is_dir() and site.names("leases"), "a lease")
    time.sleep(0.7)
    assert daemon.stop(number) < 10
    site.assert_nothing_left()
    committed = [event["chunk"] for event in site.events() if event["event"] == "chunk_committed"]
    assert 1 <= len(committed) < 9, "what had begun was finished, what had not was left"
    assert len(site.names("done")) == len(committed)
    site.environment.clear()
    assert site.run_once().wait() == ExitCode.OK
    assert (site.names("inbox"), site.names("failed")) == ([], [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_chunk_that_does_not_end_goes_back_untouched(site: Site, number: int) -> None:
    install(site, bad_plugins.Hangs)
    site.submit("play.txt", TEXT, chunk_size=2000)
    daemon = site.start(drain_time="3s", log_level="debug")
    daemon.wait_for_text("job_started")
    wait_until(lambda: len(site.alive()) > 1, "a compute process", 20)
    seconds = daemon.stop(number)
    print(f"ended in {seconds:.2f} s")  # noqa: T201
    assert seconds < 8
    site.assert_nothing_left()
    assert site.names("compressed_chunks") == site.names("done") == site.names("failed") == []
    assert list((site.folder / "spool").glob("worker-*")) == []
    site.environment.clear()
    assert site.run_once().wait() == ExitCode.OK
    site.assert_all_restore()
    assert site.names("inbox") == []


def test_a_second_signal_ends_at_once_and_the_next_start_finishes(site: Site) -> None:
    install(site, bad_plugins.Hangs)
    site.submit("play.txt", TEXT)
    daemon = site.start(log_level="debug")
    daemon.wait_for_text("job_started")
    wait_until(lambda: len(site.alive()) > 1, "a compute process", 20)
    daemon.send(signal.SIGTERM)
    daemon.wait_for_text("once more ends at once")
    begin = time.monotonic()
    daemon.send(signal.SIGTERM)
    assert daemon.wait() == ExitCode.KILLED
    assert time.monotonic() - begin < 2
    wait_until(lambda: not site.alive(), "the compute process to leave", 10)
    site.environment.clear()
    assert site.run_once(worker="w2", lease_refresh="200ms", lease_stale="1s").wait() == ExitCode.OK
    site.assert_all_restore()
    assert (site.names("inbox"), site.names("leases")) == ([], [])
    assert list((site.folder / "spool").glob("worker-*")) == [], "a dead worker's folder is swept"


@pytest.mark.parametrize("busy", [True, False])
def test_a_runtime_limit_is_kept_however_long_the_waits_are(site: Site, busy: bool) -> None:
    if busy:
        install(site, bad_plugins.Hangs)
        site.submit("play.txt", TEXT)
    begin = time.monotonic()
    daemon = site.start(runtime_limit="5s", drain_time="3s", poll_min="25s", poll_max="25s")
    assert daemon.wait() == ExitCode.OK
    seconds = time.monotonic() - begin
    print(f"ended after {seconds:.2f} s")  # noqa: T201
    assert 2 <= seconds < 5 + 2, "start-up takes a moment on top"
    assert "runtime_limit_reached" in daemon.err
    site.assert_nothing_left()


def test_the_status_file_and_the_log_tell_what_happened(site: Site) -> None:
    site.submit("play.txt", TEXT, chunk_size=2000)
    daemon = site.start(worker="w-7")
    daemon.wait_until(lambda: (site.root / "done").is_dir() and site.names("done"), "the job")
    daemon.wait_for_state("idle")
    status = site.status("w-7")
    assert {"state", "device", "queue", "throughput", "totals", "last_error", "version"} <= status.keys()
    assert status["device"].startswith("cpu (")
    assert status["queue"] == {"jobs": 0, "bytes": 0, "running": 0, "arriving": 0}
    assert (status["totals"]["chunks"], status["totals"]["bytes_in"]) == (3, len(TEXT))
    assert status["version"] == f"panini-daemon {__version__}"
    daemon.stop()
    assert site.status("w-7")["state"] == "stopped"
    events = site.events("w-7")
    assert [event["event"] for event in events] == ["started", *["chunk_committed"] * 3, "stopped"]
    assert {event["worker"] for event in events} == {"w-7"}
    chunks = [event for event in events if event["event"] == "chunk_committed"]
    assert sorted(event["chunk"] for event in chunks) == [f"play.txt/chunk_{number:04d}" for number in range(3)]
    assert all(
        {"job", "method", "ratio", "device", "seconds", "timestamp", "level"} <= event.keys() for event in chunks
    )


def test_a_token_appears_in_no_file_and_no_output(site: Site) -> None:
    site.environment["GITHUB_TOKEN"] = TOKEN
    install(site, bad_plugins.Crashes)
    site.submit("play.txt", TEXT)
    site.submit("wrong.txt", TEXT, method="no_such_v1")
    assert site.run_once(log_level="debug").wait() == ExitCode.DAMAGE
    files = [path for path in site.folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_the_log_hides_a_token_that_came_in_a_name(site: Site) -> None:
    site.environment["GITHUB_TOKEN"] = TOKEN
    site.submit(f"named-{TOKEN}.txt", TEXT, method="no_such_v1")
    daemon = site.run_once(log_level="debug")
    assert daemon.wait() == ExitCode.DAMAGE
    told = daemon.err + json.dumps(site.events())
    assert "named-" in told
    assert TOKEN not in told


def test_idling_costs_next_to_nothing(site: Site) -> None:
    daemon = site.start(status_interval="10s")
    daemon.wait_for_text("started")
    time.sleep(1)
    begin, used = time.monotonic(), daemon.cpu_seconds()
    time.sleep(5)
    share = (daemon.cpu_seconds() - used) / (time.monotonic() - begin)
    print(f"idle: {share:.2%} of a core")  # noqa: T201
    assert share < 0.03
    assert len(site.alive()) == 1, "no compute process before there is work"


def test_two_daemons_on_one_root_share_the_work_and_do_nothing_twice(site: Site) -> None:
    for number in range(40):
        site.submit(f"{number}.txt", TEXT[number:], chunk_size=3000)
    both = [site.start("run", "--once", worker=worker) for worker in ("w1", "w2")]
    assert [daemon.wait() for daemon in both] == [ExitCode.OK] * 2
    committed = [event["chunk"] for event in site.events() if event["event"] == "chunk_committed"]
    print({worker: len(site.events(worker)) for worker in ("w1", "w2")})  # noqa: T201
    assert len(committed) == len(set(committed)) == 80
    assert [site.names(folder) for folder in ("inbox", "failed", "leases")] == [[], [], []]
    assert len(site.names("done")) == 40
    said = [line for daemon in both for line in daemon.err.splitlines()]
    assert [line for line in said if not re.match(r"\d\d:\d\d:\d\d \[", line)] == [], "only log lines, no library's"
    site.assert_all_restore()


def test_plugins_that_hang_crash_lie_or_eat_memory_stop_no_chunk_and_are_named(site: Site) -> None:
    bad = (bad_plugins.Hangs, bad_plugins.Crashes, bad_plugins.Lies, bad_plugins.EatsMemory, bad_plugins.Raises)
    for plugin in bad:
        folder = site.folder / plugin.method
        site.environment["PYTHONPATH"] = str(bad_plugins.install(folder, plugin))
        # Other bytes each time: equal ones would become a reference, and no codec would be tried.
        site.submit(f"{plugin.method}.txt", TEXT + plugin.method.encode())
        daemon = site.run_once(
            chunk_timeout="1s", chunk_timeout_per_mib="0s", memory_budget="1GiB", worker=plugin.method
        )
        assert daemon.wait() == ExitCode.OK, daemon.err
    site.assert_all_restore()
    for plugin in bad:
        log = [event for event in site.events(plugin.method) if plugin.method in str(event.get("method"))]
        recipe = json.loads((site.root / f"compressed_chunks/{plugin.method}.txt/chunk_0000/recipe.json").read_text())
        assert log or plugin.method in recipe["stats"]["failed_trials"], plugin.method


@pytest.mark.parametrize("plugin", [bad_plugins.EatsMemory, bad_plugins.Raises])
def test_the_log_names_a_plugin_that_failed_and_was_passed_over(site: Site, plugin: type[bad_plugins.Deflate]) -> None:
    install(site, plugin)
    site.submit("play.txt", TEXT)
    assert site.run_once(memory_budget="1GiB").wait() == ExitCode.OK
    warned = [event for event in site.events() if event["level"] == "warning"]
    assert plugin.method in json.dumps(warned)
