"""`github pending`, `github drop` and `github receive`, as a workflow runs them in a checkout."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.command_line import CommandLine, Ran
from fakes.deliveries import CHUNKS, metadata, write_tree
from fakes.github.faults import SecondaryLimit, Status
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore

from panini_daemon import actions
from panini_daemon.exit_codes import ExitCode
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.github.errors import GithubUnavailable
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.jobs import Job
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

TREE = "pending_compression/a/photo.png"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 31\n"
HASH = "ab" * 32


class Step:
    """A step of a workflow: the checkout is the current folder, the runner's files lie beside it."""

    def __init__(self, line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
        self._line, self._monkeypatch = line, monkeypatch
        self.folder = line.folder
        for name in list(os.environ):
            if name.startswith("GITHUB_"):
                monkeypatch.delenv(name)
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            self.set(name, str(self.folder / name))
        self.waits: list[float] = []
        monkeypatch.setattr("time.sleep", self.waits.append)

    def __call__(self, *arguments: object) -> Ran:
        ran = self._line("github", *arguments)
        assert "Traceback" not in ran.err
        return ran

    def set(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)

    def unset(self, name: str) -> None:
        self._monkeypatch.delenv(name)

    def write(self, path: str, data: bytes) -> None:
        self._line.write(path, data)

    def told(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def check_out(self, hub: FakeGithub | None = None) -> None:
        """Write a chunk tree into the checkout, and into the repository where there is one."""
        files = MemoryStore()
        write_tree(files, TREE)
        for path, data in files.files.items():
            self.write(path, data)
        if hub is not None:
            hub.commit(files.files)

    def run_for(self, hub: FakeGithub) -> None:
        """Set the environment of a run on the repository's branch."""
        self.set("GITHUB_TOKEN", hub.token)
        self.set("GITHUB_API_URL", hub.url)
        self.set("GITHUB_REPOSITORY", f"{hub.owner}/{hub.repo}")
        self.set("GITHUB_REF", "refs/heads/main")
        self.set("GITHUB_REF_NAME", "main")
        self.set("GITHUB_SHA", "9f2c")
        self.set("GITHUB_RUN_ID", "12")

    def make_root(self) -> LocalStore:
        store = LocalStore(self.folder / "R")
        open_root(store, create=True, clock=SystemClock())
        return store

    def event(self, payload: object, action: str = "chunk_compressed") -> None:
        self.write("event.json", json.dumps({"action": action, "client_payload": payload}).encode())
        self.set("GITHUB_EVENT_PATH", str(self.folder / "event.json"))


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Step:
    return Step(CommandLine(tmp_path, monkeypatch, capsys), monkeypatch)


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGithub]:
    monkeypatch.setattr("panini_daemon.storage.github.gate.BETWEEN_WRITES", 0.0)
    with FakeGithub(tmp_path_factory.mktemp("hub")) as hub:
        yield hub


def jobs(root: Path) -> tuple[Job, ...]:
    poll = Inbox(LocalStore(root), clock=FakeClock(), arrival_timeout=1).poll()
    assert not poll.rejected
    return poll.ready


def statuses(hub: FakeGithub, branch: str = "main") -> list[str]:
    found = [json.loads(hub.read(f"{TREE}/chunk_{number:04d}/metadata.json", branch)) for number in range(3)]
    return [fields["status"] for fields in found]


def completed(number: int, **others: Any) -> dict[str, Any]:
    return {
        "chunk_path": f"{TREE}/chunk_{number:04d}",
        "status": "completed",
        "upload_path": f"compressed_chunks/a/photo.png/chunk_{number:04d}/compressed.bin",
        "upload_hash": HASH,
        "stats": {"original_size": 8, "compressed_size": 4},
        **others,
    }


# pending


def test_pending_counts_what_waits(step: Step) -> None:
    step.check_out()
    ran = step("pending")
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    assert ran.out.splitlines()[1].split() == ["3", "39", "-", "a/photo.png"]
    assert ran.out.splitlines()[-1] == "1 file(s), 3 chunk(s), 39 B to compress"
    assert step.told("GITHUB_OUTPUT") == "pending=1\nchunks=3\nbytes=39\n"
    assert "| a/photo.png | 3 | 39 |  |\n" in step.told("GITHUB_STEP_SUMMARY")


def test_pending_outside_actions_writes_no_files(step: Step) -> None:
    step.check_out()
    step.unset("GITHUB_OUTPUT")
    step.unset("GITHUB_STEP_SUMMARY")
    assert step("pending").code == ExitCode.OK
    assert [path.name for path in step.folder.iterdir()] == ["pending_compression"]


def test_pending_as_json(step: Step) -> None:
    step.check_out()
    step.write(f"{TREE}/chunk_0001/data.bin", b"x")
    ran = step("pending", "--json")
    assert ran.code == ExitCode.DAMAGE
    assert {**ran.json, "files": 0} == {"pending": 0, "chunks": 0, "bytes": 0, "files": 0}
    (file,) = ran.json["files"]
    assert (file["file"], file["folder"]) == ("a/photo.png", TREE)
    assert "found 1 bytes" in file["problem"]


def test_nothing_pending_is_no_failure(step: Step) -> None:
    ran = step("pending")
    assert (ran.code, ran.out) == (ExitCode.OK, "0 file(s), 0 chunk(s), 0 B to compress\n")
    assert step.told("GITHUB_OUTPUT") == "pending=0\nchunks=0\nbytes=0\n"


def test_another_folder_can_be_named(step: Step) -> None:
    step.check_out()
    (step.folder / "pending_compression").rename(step.folder / "chunks")
    assert step("pending", "--folder", "chunks/", "--json").json["chunks"] == 3
    assert step("pending", "--json").json["chunks"] == 0
    for folder in ("../x", "/etc", ""):
        assert step("pending", "--folder", folder).code == ExitCode.USAGE


def test_pending_names_damage_and_counts_the_rest(step: Step) -> None:
    step.check_out()
    for path in (step.folder / TREE).rglob("*"):
        if path.is_file():
            step.write(f"pending_compression/sound/{path.relative_to(step.folder / TREE)}", path.read_bytes())
    step.write(f"{TREE}/chunk_0001/data.bin", b"x" * len(CHUNKS[1]))
    ran = step("pending")
    assert ran.code == ExitCode.DAMAGE
    assert f"error: {TREE}: a/photo.png/chunk_0001: " in ran.err
    assert "HashMismatch a/photo.png" in ran.out
    assert "pending=1\nchunks=3\n" in step.told("GITHUB_OUTPUT")
    assert "SHA-256" in step.told("GITHUB_STEP_SUMMARY")


def test_pointers_of_git_lfs_name_the_remedy(step: Step) -> None:
    step.check_out()
    step.write(f"{TREE}/chunk_0001/data.bin", POINTER)
    for arguments in (["pending"], ["drop", "--root", "R", "--no-mark-queued"]):
        ran = step(*arguments)
        assert ran.code == ExitCode.DAMAGE
        assert "lfs: true" in ran.err


def test_names_are_no_commands_to_the_runner_and_no_markdown(step: Step) -> None:
    name = "pending_compression/::add-mask::x|<b>`\n##[group]"
    step.write(f"{name}/manifest.json", b"{")
    ran = step("pending")
    assert ran.code == ExitCode.DAMAGE
    for line in (ran.out + ran.err).splitlines():
        assert not line.strip().startswith("::")
        assert "##[" not in line
    (row,) = [line for line in step.told("GITHUB_STEP_SUMMARY").splitlines() if "mask" in line]
    assert row.replace(r"\|", "").count("|") == 5
    assert "<b>" not in row


# drop


def test_drop_puts_one_job_into_the_inbox_and_marks_its_chunks(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    ran = step("drop", "--root", "R", "--level", "max", "--priority", "3")
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    (job,) = jobs(step.folder / "R")
    assert (job.level, job.method, job.priority) == ("max", None, 3)
    assert job.source == {
        "repository": "someone/archive",
        "commit": "9f2c",
        "ref": "refs/heads/main",
        "run_id": "12",
    }
    assert job.manifest_path in ran.out
    assert "3 chunk(s) marked as queued" in ran.out
    assert statuses(hub) == ["queued"] * 3
    assert hub.token not in ran.out + ran.err + step.told("GITHUB_STEP_SUMMARY")


def test_a_second_drop_has_nothing_to_do_until_it_is_told_to_send_again(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    for number in range(3):
        fields = metadata(number, status="queued")
        step.write(f"{TREE}/chunk_{number:04d}/metadata.json", json.dumps(fields).encode())
    ran = step("drop", "--root", "R", "--json")
    assert (ran.code, ran.json) == (ExitCode.OK, {"jobs": [], "files": [], "marked": 0, "commit": None})
    assert hub.count() == 0
    ran = step("drop", "--root", "R", "--again", "--no-mark-queued", "--json")
    (job,) = ran.json["jobs"]
    assert (ran.code, job["chunks"], job["size"]) == (ExitCode.OK, 3, 39)
    assert hub.count() == 0


def test_a_repeated_drop_leaves_the_same_files(step: Step) -> None:
    step.check_out()
    root = step.make_root().root
    step("drop", "--root", root, "--no-mark-queued")
    first = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    step("drop", "--root", root, "--no-mark-queued")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == first


def test_drop_sends_what_is_sound_and_names_the_rest(step: Step) -> None:
    step.check_out()
    for path in (step.folder / TREE).rglob("*"):
        if path.is_file():
            step.write(f"pending_compression/sound/{path.relative_to(step.folder / TREE)}", path.read_bytes())
    step.write(f"{TREE}/chunk_0001/data.bin", b"x")
    step.make_root()
    ran = step("drop", "--root", "R", "--no-mark-queued")
    assert ran.code == ExitCode.DAMAGE
    assert TREE in ran.err
    (job,) = jobs(step.folder / "R")
    assert [file.base for file in job.files] == ["sound"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--root FOLDER or --remote"),
        (["--root", "R", "--remote", "drive:x"], "--root FOLDER or --remote"),
        (["--root", "R", "--level", "extreme"], "extreme"),
        (["--remote", "/mnt/drive", "--no-mark-queued"], "NAME:PATH"),
        (["--root", "R"], "GITHUB_REPOSITORY"),
    ],
)
def test_a_drop_that_makes_no_sense_does_nothing(step: Step, arguments: list[str], said: str) -> None:
    step.check_out()
    step.make_root()
    ran = step("drop", *arguments)
    assert ran.code == ExitCode.USAGE
    assert said in ran.err
    assert jobs(step.folder / "R") == ()


@pytest.mark.parametrize(("name", "value"), [("GITHUB_TOKEN", ""), ("GITHUB_REF", "refs/tags/v1")])
def test_what_could_not_be_marked_is_not_sent(step: Step, hub: FakeGithub, name: str, value: str) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    step.set(name, value)
    ran = step("drop", "--root", "R")
    assert (ran.code, jobs(step.folder / "R")) == (ExitCode.USAGE, ())
    assert name in ran.err
    if name == "GITHUB_REF":
        assert step("drop", "--root", "R", "--ref", "main").code == ExitCode.OK
        assert statuses(hub) == ["queued"] * 3


def test_a_root_that_is_not_there_is_not_made(step: Step) -> None:
    step.check_out()
    ran = step("drop", "--root", "R", "--no-mark-queued")
    assert ran.code == ExitCode.ERROR
    assert not (step.folder / "R").exists()


def test_nothing_is_marked_where_nothing_could_be_sent(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    ran = step("drop", "--remote", "drive:x", "--rclone", str(step.folder / "rclone"))
    assert ran.code == ExitCode.ERROR
    assert "rclone" in ran.err
    assert statuses(hub) == ["pending"] * 3


def test_chunks_that_could_not_be_marked_are_told_of(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    hub.permissions["push"] = False
    ran = step("drop", "--root", "R")
    assert ran.code == ExitCode.ERROR
    assert "the jobs are in the inbox" in ran.err
    assert hub.token not in ran.out + ran.err
    assert len(jobs(step.folder / "R")) == 1


def test_somebody_elses_push_is_kept(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    hub.commit({"other.txt": b"pushed meanwhile", f"{TREE}/chunk_0000/metadata.json": b'{"status": "completed"}'})
    ran = step("drop", "--root", "R")
    assert ran.code == ExitCode.OK
    assert statuses(hub) == ["completed", "queued", "queued"]
    assert hub.read("other.txt") == b"pushed meanwhile"


def test_a_rate_limit_is_waited_for(step: Step, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr("panini_daemon.actions.SystemClock", lambda: clock)
    monkeypatch.setattr("time.sleep", clock.advance)
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    hub.faults.add("GET *", SecondaryLimit(retry_after=30))
    assert step("drop", "--root", "R").code == ExitCode.OK
    assert 30 <= clock.monotonic() - 1000 < 60
    assert statuses(hub) == ["queued"] * 3


def test_an_outage_is_waited_for_five_minutes_at_most(
    step: Step, hub: FakeGithub, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    monkeypatch.setattr("panini_daemon.actions.SystemClock", lambda: clock)
    monkeypatch.setattr("time.sleep", clock.advance)
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    hub.faults.add("GET *", Status(502), times=None)
    ran = step("drop", "--root", "R")
    assert ran.code == ExitCode.ERROR
    assert "502" in ran.err
    assert 100 <= clock.monotonic() - 1000 <= 300


def test_waits_add_up_to_the_patience() -> None:
    waits: list[float] = []

    def ask() -> None:
        raise GithubUnavailable("later", 40.0)

    with pytest.raises(GithubUnavailable):
        actions.persevere(ask, sleep=waits.append, patience=100.0)
    assert waits == [40.0, 40.0]


# receive


def test_receive_writes_what_is_reported(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    failed = {**completed(2), "status": "failed", "upload_path": "", "upload_hash": "", "stats": {"error": "no room"}}
    step.event({**completed(0), "more": [failed]})
    ran = step("receive")
    assert (ran.code, ran.err) == (ExitCode.OK, "")
    assert statuses(hub) == ["completed", "pending", "failed"]
    fields = json.loads(hub.read(f"{TREE}/chunk_0000/metadata.json"))
    assert (fields["upload_hash"], fields["stats"]["compressed_size"]) == (HASH, 4)
    assert f"completed  {TREE}/chunk_0000" in ran.out
    assert f"2 metadata.json file(s) changed, commit {hub.head()}" in ran.out
    assert "| completed |" in step.told("GITHUB_STEP_SUMMARY")
    assert hub.token not in ran.out + step.told("GITHUB_STEP_SUMMARY")


def test_a_repeated_event_changes_nothing(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.event(completed(0))
    step("receive")
    head = hub.head()
    ran = step("receive", "--json")
    assert (ran.code, ran.json["changed"], ran.json["commit"], hub.head()) == (ExitCode.OK, 0, None, head)


def test_receive_can_write_to_another_branch(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    hub.commit({"x": b""}, branch="other")
    files = MemoryStore()
    write_tree(files, TREE)
    hub.commit(files.files, branch="other")
    step.event(completed(0))
    assert step("receive", "--ref", "refs/heads/other").code == ExitCode.OK
    assert (statuses(hub)[0], statuses(hub, "other")[0]) == ("pending", "completed")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        completed(0, status="done"),
        completed(0, chunk_path="../x"),
        completed(0, upload_hash="zz"),
        completed(0, more={}),
    ],
)
def test_a_wrong_payload_is_refused_with_the_reason(step: Step, hub: FakeGithub, payload: object) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.event(payload)
    ran = step("receive")
    assert ran.code == ExitCode.DAMAGE
    assert ran.err.startswith("error: client_payload")
    assert hub.count() == 0


def test_a_chunk_that_the_repository_does_not_have_is_told(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.event({**completed(0, chunk_path="pending_compression/gone/chunk_0000"), "more": [completed(1)]})
    ran = step("receive")
    assert ran.code == ExitCode.DAMAGE
    assert "pending_compression/gone/chunk_0000" in ran.err
    assert statuses(hub) == ["pending", "completed", "pending"]


def test_receive_needs_an_event_and_access(step: Step) -> None:
    assert step("receive").code == ExitCode.USAGE
    step.event(completed(0), action="opened")
    assert step("receive").code == ExitCode.DAMAGE
    step.event(completed(0))
    step.set("GITHUB_REF_NAME", "main")
    for name, value in (("GITHUB_REPOSITORY", "a/b/../c"), ("GITHUB_REPOSITORY", "a/b")):
        step.set(name, value)
        ran = step("receive")
        assert ran.code == ExitCode.USAGE
    assert "GITHUB_TOKEN" in ran.err


# All three


def test_help_names_the_commands_and_their_options(step: Step) -> None:
    ran = step("--help")
    assert ran.code == ExitCode.OK
    for name in ("pending", "drop", "receive"):
        assert name in ran.out
        assert step(name, "--help").code == ExitCode.OK


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Blocker())
from panini_daemon.cli import main
main(sys.argv[1:])
"""
ROOT = Path(__file__).parents[2]
MODULES = {"pillow": "PIL", "PyGithub": "github"}


def left_out() -> set[str]:
    """Return the modules of the packages that the project needs and the workflows' requirements leave out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = (ROOT / "workflows/requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition(">")[0] for line in project["dependencies"] if line not in installed]
    return {MODULES.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.slow
def test_a_runner_needs_none_of_the_compressors_packages(step: Step, hub: FakeGithub) -> None:
    step.check_out(hub)
    step.run_for(hub)
    step.make_root()
    step.event(completed(0))
    assert {"torch", "numpy", "PIL", "imagecodecs"} <= left_out()
    script = BLOCKED.format(names=left_out())
    for arguments in (["pending"], ["drop", "--root", "R"], ["receive"]):
        command = [sys.executable, "-W", "error", "-c", script, "github", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=step.folder)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")
    assert statuses(hub) == ["completed", "queued", "queued"]
    done = subprocess.run(
        [sys.executable, "-c", script, "demo"], capture_output=True, text=True, check=False, timeout=120
    )
    assert "blocked: " in done.stderr


@pytest.mark.slow
def test_help_imports_nothing_of_github(step: Step) -> None:
    script = BLOCKED.format(names={"requests", "github", *left_out()})
    for arguments in (["--help"], ["github", "--help"], ["github", "drop", "--help"]):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (ExitCode.OK, "")
