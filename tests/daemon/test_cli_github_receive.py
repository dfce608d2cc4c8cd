"""`github receive`, as a workflow runs it."""

import json

import pytest
from fakes.deliveries import write_tree
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore
from fakes.workflow_step import HASH, TREE, Step, completed, hub, statuses, step

from panini_daemon.exit_codes import ExitCode

__all__ = ["hub", "step"]


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
