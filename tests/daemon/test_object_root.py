"""Real daemons and commands on a tree in a real S3 server."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import bad_plugins
from fakes.daemon_process import Daemon, Site
from fakes.s3_server import BUCKET, SECRET, S3Server, unconditional_server

from panini_daemon.exit_codes import ExitCode
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_store import ObjectStore

pytestmark = pytest.mark.slow

TEXT = b"All the world's a stage, and all the men and women merely players. " * 60


class ObjectSite(Site):
    """A site whose tree is in an object store."""

    def __init__(self, folder: Path, server: S3Server, prefix: str) -> None:
        self.url = f"s3://{BUCKET}/{prefix}"
        super().__init__(folder, root=self.url, poll_min="50ms", poll_max="200ms")
        self.environment |= server.environment
        self.tree = ObjectStore(connect(self.url, server.environment), self.url)

    def command(self, *arguments: str) -> Daemon:
        """Run one command to its end."""
        daemon = self.start(*arguments)
        daemon.wait()
        return daemon

    def names(self, folder: str) -> list[str]:
        return sorted(entry.name for entry in self.tree.list(folder))

    def events(self, worker: str = "*") -> list[dict[str, Any]]:
        names = [name for name in self.names("logs") if worker in ("*", name.partition(".")[0])]
        return [json.loads(line) for name in names for line in self.tree.read(f"logs/{name}").splitlines()]


@pytest.fixture
def site(tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectSite]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    site = ObjectSite(tmp_path, s3, tmp_path.name)
    yield site
    site.close()


def submit(site: ObjectSite, count: int) -> dict[str, bytes]:
    files = {f"play-{number}.txt": TEXT + bytes([65 + number]) for number in range(count)}
    for name, data in files.items():
        (site.folder / name).write_bytes(data)
    submitted = site.command("submit", *files)
    assert submitted.wait() == ExitCode.OK, submitted.err
    return files


def test_two_workers_empty_the_inbox_of_an_object_store_and_everything_comes_back(site: ObjectSite) -> None:
    files = submit(site, 8)
    workers = [site.start("run", "--once", worker=name) for name in ("w1", "w2")]
    for worker in workers:
        assert worker.wait() == ExitCode.OK, worker.err
    assert (site.names("inbox"), site.names("failed"), len(site.names("done"))) == ([], [], 8)
    committed = [event["chunk"] for event in site.events() if event["event"] == "chunk_committed"]
    assert sorted(committed) == sorted(f"{name}/chunk_0000" for name in files), "nothing is done twice"
    verified = site.command("verify", "--deep", "--json")
    assert verified.wait() == ExitCode.OK, verified.err
    assert (json.loads(verified.out)["chunks"], json.loads(verified.out)["problems"]) == (8, [])
    restored = site.command("restore", "play-7.txt", "-o", "back")
    assert restored.wait() == ExitCode.OK, restored.err
    assert (site.folder / "back").read_bytes() == files["play-7.txt"]
    status = json.loads(site.command("status", "--json").out)
    assert status["jobs"] == {"inbox": 0, "done": 8, "failed": 0}
    assert {worker["worker"] for worker in status["workers"]} == {"w1", "w2"}
    assert status["root"] == site.url


def test_jobs_of_a_worker_that_was_killed_are_taken_over(site: ObjectSite) -> None:
    files = submit(site, 3)
    plugins = str(bad_plugins.install(site.folder / "site", bad_plugins.Hangs))
    site.environment["PYTHONPATH"] = plugins
    dead = site.start(log_level="debug", worker="dead")
    dead.wait_for_text("job_started")
    dead.kill()
    del site.environment["PYTHONPATH"]
    heir = site.start("run", "--once", worker="heir", lease_refresh="300ms", lease_stale="1500ms")
    assert heir.wait() == ExitCode.OK, heir.err
    assert (site.names("inbox"), len(site.names("done"))) == ([], len(files))


def test_a_worker_that_is_asked_to_end_gives_its_leases_back(site: ObjectSite) -> None:
    submit(site, 3)
    site.environment["PYTHONPATH"] = str(bad_plugins.install(site.folder / "site", bad_plugins.Hangs))
    daemon = site.start(log_level="debug", drain_time="3s")
    daemon.wait_for_text("job_started")
    daemon.stop(signal.SIGTERM)
    assert {site.tree.stat(f"leases/{name}").size for name in site.names("leases")} == {0}


def test_credentials_are_blotted_out_wherever_they_come_from(site: ObjectSite) -> None:
    submit(site, 1)
    daemon = site.start("run", "--once", log_level="debug", method=SECRET)
    assert daemon.wait() == ExitCode.DAMAGE, "there is no method of this name"
    for text in (daemon.err, json.dumps(site.events())):
        assert SECRET not in text
        assert "********" in text


def test_a_server_that_ignores_conditions_is_refused_before_any_job_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unconditional_server(tmp_path / "s3") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        site = ObjectSite(tmp_path, server, "tree")
        files = submit(site, 1)
        before = site.names("inbox")
        daemon = site.command("run", "--once")
        assert daemon.wait() == ExitCode.USAGE, daemon.err
        assert f"{site.url}: the server made an object that was there already" in daemon.err
        assert "rclone mount" in daemon.err
        assert (site.names("inbox"), site.names("leases"), len(files)) == (before, [], 1)
