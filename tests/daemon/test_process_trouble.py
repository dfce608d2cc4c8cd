"""A daemon process whose world breaks: killed, its root away, read-only or full."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.command_line import call
from fakes.daemon_process import Site, wait_until

from panini_daemon.exit_codes import ExitCode

pytestmark = pytest.mark.slow

TEXT = b"All the world's a stage, and all the men and women merely players. " * 60


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.close()


@pytest.fixture
def mounted(site: Site) -> Iterator[Site]:
    """Give the root a file system of its own, 4 MiB in memory."""
    site.root.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(site.root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError as error:
        pytest.skip(f"no tmpfs can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    yield site
    site.close()
    subprocess.run(["umount", str(site.root)], check=True, timeout=10)


def verify_deep(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    code = call("verify", "--deep", "--root", site.root)
    assert code == 0, capsys.readouterr().out


def test_killed_at_any_moment_nothing_is_lost_or_half_there(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    moments, content = random.Random(7), random.Random(8)
    advanced = interrupted = done = 0
    for number in range(20):
        for part in range(4):
            data = TEXT[: content.randrange(len(TEXT))] + content.randbytes(content.randrange(500))
            site.submit(f"{number}/{part}.bin", data, chunk_size=700)
        daemon = site.start(worker=f"w{number % 2}", lease_refresh="200ms", lease_stale="1s")
        daemon.wait_for_text("started")
        time.sleep(moments.uniform(0, 0.9))
        daemon.kill()
        assert list(site.root.rglob("error.json")) == []
        before, done = done, len(site.names("done"))
        advanced += done > before
        interrupted += done < len(site.submitted)
    last = site.run_once(worker="w2", lease_refresh="200ms", lease_stale="1s")
    assert last.wait() == ExitCode.OK, last.err
    site.assert_all_restore()
    verify_deep(site, capsys)
    print(f"of 20 kills {advanced} came after a job was done, {interrupted} before all were")  # noqa: T201
    assert min(advanced, interrupted) >= 3, "the moments are badly chosen for this machine"
    assert [site.names(folder) for folder in ("inbox", "failed")] == [[], []]
    site.assert_nothing_left()
    assert list((site.folder / "spool").glob("worker-*")) == []
    assert len(site.names("done")) == len(site.submitted)


def test_a_root_that_goes_away_is_waited_for_and_nothing_is_made_in_its_place(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(60):
        site.submit(f"{number}.txt", TEXT[number:], chunk_size=500)
    daemon = site.start()
    daemon.wait_until(lambda: len(site.names("done")) >= 3, "the first jobs")
    away = site.folder / "away"
    site.root.rename(away)
    time.sleep(1.2)
    assert not site.root.exists(), "a tree was made where the root had been"
    left = len(list((away / "inbox").glob("*.json")))
    assert left > 0, "all was done before the root went away; give it more to do"
    away.rename(site.root)
    daemon.wait_until(lambda: len(site.names("done")) == 60, "the rest of the jobs")
    daemon.stop()
    assert "RootLost" in daemon.err
    assert [site.names(folder) for folder in ("inbox", "failed")] == [[], []]
    site.assert_nothing_left()
    site.assert_all_restore()
    verify_deep(site, capsys)


def test_a_folder_that_lost_its_mount_is_not_taken_for_an_empty_inbox(site: Site) -> None:
    for number in range(40):
        site.submit(f"{number}.txt", TEXT[number:], chunk_size=500)
    daemon = site.start()
    daemon.wait_until(lambda: len(site.names("done")) >= 3, "the first jobs")
    away = site.folder / "away"
    site.root.rename(away)
    site.root.mkdir()
    time.sleep(1)
    assert list(site.root.iterdir()) == []
    site.root.rmdir()
    away.rename(site.root)
    daemon.wait_until(lambda: len(site.names("done")) == 40, "the rest of the jobs")
    daemon.stop()
    site.assert_all_restore()


def test_it_ends_in_time_while_its_root_is_away(site: Site) -> None:
    for number in range(40):
        site.submit(f"{number}.txt", TEXT[number:], chunk_size=500)
    daemon = site.start(drain_time="3s")
    daemon.wait_until(lambda: len(site.names("done")) >= 3, "the first jobs")
    site.root.rename(site.folder / "away")
    daemon.wait_for_text("RootLost")
    begin = time.monotonic()
    daemon.send(signal.SIGTERM)
    code = daemon.wait(30)
    seconds = time.monotonic() - begin
    print(f"ended with {code} in {seconds:.2f} s")  # noqa: T201
    assert seconds < 8
    assert code in (ExitCode.OK, ExitCode.ERROR)
    assert "Traceback" not in daemon.err
    assert not site.root.exists()
    (site.folder / "away").rename(site.root)
    assert site.run_once().wait() == ExitCode.OK
    site.assert_all_restore()
    site.assert_nothing_left()


@pytest.mark.parametrize("when", ["with a job", "idle", "later"])
def test_a_read_only_root_ends_it_with_the_reason(mounted: Site, when: str) -> None:
    read_only = ["mount", "-o", "remount,ro", str(mounted.root)]
    mounted.store  # noqa: B018  makes the tree
    if when == "with a job":
        mounted.submit("play.txt", TEXT)
    if when != "later":
        subprocess.run(read_only, check=True, timeout=10)
    daemon = mounted.start()
    if when == "later":
        daemon.wait_for_state("idle")
        subprocess.run(read_only, check=True, timeout=10)
    assert daemon.wait(30) == ExitCode.ERROR
    last = daemon.err.splitlines()[-1]
    assert last.startswith("error: ")
    assert "write permission" in last
    assert "Traceback" not in daemon.err


def test_a_root_without_write_permission_ends_it_with_the_reason(site: Site) -> None:
    if os.geteuid() == 0:
        pytest.skip("permissions do not stop the root user")
    site.submit("play.txt", TEXT)
    folders = [site.root, *(path for path in site.root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    daemon = site.start()
    code = daemon.wait(30)
    for folder in folders:
        folder.chmod(0o755)
    assert code == ExitCode.ERROR
    assert "write permission" in daemon.err


def test_a_full_disk_is_told_and_waited_for(mounted: Site) -> None:
    noise = random.Random(1)
    for number in range(3):
        mounted.submit(f"{number}.bin", noise.randbytes(300_000), chunk_size=100_000)
    ballast = mounted.root / "ballast"
    with ballast.open("wb") as file:
        for _ in range(4096):
            try:
                os.write(file.fileno(), bytes(4096))
            except OSError:
                break
    daemon = mounted.start(poll_max="500ms")
    daemon.wait_for_text("free space or quota")
    time.sleep(1)
    assert daemon.wait_until(lambda: True, "it to live on") < 1
    assert mounted.names("failed") == mounted.names("done") == []
    ballast.unlink()
    daemon.wait_until(lambda: len(mounted.names("done")) == 3, "the jobs")
    daemon.stop()
    mounted.assert_all_restore()
    assert mounted.names("inbox") == mounted.names("failed") == []
    mounted.assert_nothing_left()
    assert [path for path in mounted.root.rglob("*.tmp") if path.is_file()] == []
    wait_until(lambda: any("StoreFull" in str(event) for event in mounted.events()), "the log", 5)


def test_a_daemon_whose_messages_nobody_reads_works_on_and_ends_well(site: Site) -> None:
    site.unread = True
    for number in range(6):
        site.submit(f"{number}.txt", TEXT[number:], chunk_size=1000)
    daemon = site.start()
    daemon.wait_until(lambda: len(site.names("done")) == 6, "the jobs", 20)
    assert daemon.stop() < 10
    assert sum(event["event"] == "chunk_committed" for event in site.events()) == 30
    site.assert_all_restore()
    site.assert_nothing_left()
