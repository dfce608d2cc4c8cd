"""`github drop`, as a workflow runs it in a checkout."""

import json

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import metadata
from fakes.github.faults import SecondaryLimit, Status
from fakes.github.server import FakeGithub
from fakes.workflow_step import TREE, Step, hub, jobs, statuses, step

from panini_daemon import actions
from panini_daemon.exit_codes import ExitCode
from panini_daemon.storage.github.errors import GithubUnavailable

__all__ = ["hub", "step"]


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
