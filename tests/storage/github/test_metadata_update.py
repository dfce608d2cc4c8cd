import json
import random
import threading
from typing import Any

import pytest
from fakes.github.faults import CloseBeforeAnswer, Status, WrongBody
from fakes.report_scene import HASH, MOMENT, Scene, completed, failed, metadata, scene

from panini_daemon.storage.chunk_state import Change
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import (
    GithubConflict,
    GithubDenied,
    GithubMissing,
    GithubRefused,
    GithubUnavailable,
)
from panini_daemon.storage.github.metadata_update import Updated, update_metadata

__all__ = ["scene"]

P = "pending_compression"
DONE = Change.of(completed("x"), MOMENT)


def update(scene: Scene, changes: dict[str, Change], client: Client | None = None, **options: Any) -> Updated:
    defaults: dict[str, Any] = {"ref": "main", "sleep": scene.slept.append, "jitter": random.Random(1)}
    return update_metadata(client or scene.client(), changes, **{**defaults, **options})


def log(scene: Scene) -> list[str]:
    """Return the branch's commits, the latest first."""
    commits, sha = [], scene.hub.head()
    client = scene.client()
    while sha:
        commits.append(sha)
        parents = client.get("test", f"/git/commits/{sha}").data["parents"]
        sha = parents[0]["sha"] if parents else ""
    return commits


def state(scene: Scene, folder: str) -> str:
    return str(json.loads(scene.hub.read(f"{folder}/metadata.json"))["status"])


def test_many_chunks_change_in_one_commit(scene: Scene) -> None:
    folders = [f"{P}/a b/ü#?.png/chunk_{number:04d}" for number in range(30)]
    first = scene.hub.commit({f"{folder}/metadata.json": metadata() for folder in folders} | {"other": b"x"})
    updated = update(scene, dict.fromkeys(folders, DONE))
    assert (updated.changed, dict(updated.skipped)) == (30, {})
    assert log(scene) == [updated.commit, first]
    assert {state(scene, folder) for folder in folders} == {"completed"}
    assert scene.hub.read("other") == b"x"
    # head, commit, tree, one blob that all of them are, and three to write
    assert len(scene.hub.requests) - 2 == 7


def test_the_same_update_again_makes_no_commit(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/chunk_0000/metadata.json": metadata(), f"{P}/a/chunk_0001/metadata.json": metadata()})
    changes = {f"{P}/a/chunk_0000": DONE, f"{P}/a/chunk_0001": Change.of(failed("x"), MOMENT)}
    assert update(scene, changes).commit == scene.hub.head()
    head = scene.hub.head()
    assert update(scene, changes) == Updated(None)
    assert scene.hub.head() == head


def test_how_a_file_is_written_stays(scene: Scene) -> None:
    before = '{\r\n    "ü": [1, 2],\r\n    "status": "queued",\r\n    "n": 1.50\r\n}'
    scene.hub.commit({f"{P}/a/metadata.json": before.encode()})
    update(scene, {f"{P}/a": Change("failed", error="nö")})
    after = scene.hub.read(f"{P}/a/metadata.json").decode()
    assert after == before.replace("queued", "failed").replace("1.50", '1.50,\r\n    "error": "nö"')


def test_an_executable_file_stays_one(scene: Scene) -> None:
    path = f"{P}/a/metadata.json"
    scene.hub.commit({path: metadata()}, mode={path: "100755"})
    update(scene, {f"{P}/a": DONE})
    tree = scene.client().get("test", "/git/trees/main", parameters={"recursive": "1"}).data["tree"]
    assert [row["mode"] for row in tree if row["path"] == path] == ["100755"]


def test_what_cannot_be_changed_is_skipped_with_a_reason(scene: Scene) -> None:
    link = f"{P}/link/metadata.json"
    scene.hub.commit(
        {
            f"{P}/good/metadata.json": metadata(),
            f"{P}/list/metadata.json": b"[]",
            f"{P}/cut/metadata.json": b"{",
            f"{P}/wide/metadata.json": '{"a": 1}'.encode("utf-16"),
            f"{P}/large/metadata.json": b'{"a": "' + b"x" * (1 << 20) + b'"}',
            f"{P}/bare/data.bin": b"x",
            f"{P}/folder/metadata.json/x": b"x",
            link: b"../good/metadata.json",
        },
        mode={link: "120000"},
    )
    bad = [f"{P}/{name}" for name in ("list", "cut", "wide", "large", "bare", "folder", "link", "gone")]
    updated = update(scene, dict.fromkeys([*bad, f"{P}/good", "../x", "/x"], DONE))
    assert updated.changed == 1
    assert set(updated.skipped) == {*bad, "../x", "/x"}
    assert "expected an object" in updated.skipped[f"{P}/list"]
    assert "no file" in updated.skipped[f"{P}/gone"]
    assert "1048585 bytes" in updated.skipped[f"{P}/large"]
    assert state(scene, f"{P}/good") == "completed"


def test_nothing_to_change_asks_nothing(scene: Scene) -> None:
    assert update(scene, {}) == Updated(None)
    assert update(scene, {"../x": DONE}).commit is None
    assert scene.hub.requests == []


@pytest.mark.parametrize("limit", [1, 3, 20, 25, 60])
def test_a_tree_that_is_too_large_for_one_answer_is_searched_folder_by_folder(scene: Scene, limit: int) -> None:
    folders = [f"{P}/{base}/chunk_{number:04d}" for base in ("a/b", "c") for number in range(5)]
    scene.hub.commit(
        {f"{folder}/{name}": metadata() for folder in folders for name in ("metadata.json", "data.bin")}
        | {f"other/{number}": b"x" for number in range(20)}
        | {"z": b""}
    )
    scene.hub.tree_limit = limit
    wanted = [*folders[:2], folders[-1]]
    if limit <= 3:  # even one folder does not fit
        with pytest.raises(GithubRefused, match="split it"):
            update(scene, dict.fromkeys(wanted, DONE))
        return
    updated = update(scene, dict.fromkeys([*wanted, f"{P}/gone", "z", "other"], DONE))
    assert updated.changed == 3
    assert set(updated.skipped) == {f"{P}/gone", "z", "other"}
    assert [state(scene, folder) for folder in folders] == [
        "completed" if folder in wanted else "pending" for folder in folders
    ]
    assert not any(request.path.endswith(scene.hub.head()) for request in scene.hub.requests if request.kind == "blob")


def test_a_push_meanwhile_is_not_lost(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata(), "other": b"1"})
    pushes = iter(range(2, 5))
    pushed: list[str] = []
    scene.before(
        "PATCH", "/git/refs/", lambda: pushed.append(scene.hub.commit({"other": b"%d" % next(pushes)})), times=3
    )
    updated = update(scene, {f"{P}/a": DONE})
    assert scene.hub.read("other") == b"4"
    assert state(scene, f"{P}/a") == "completed"
    assert log(scene)[:4] == [updated.commit, *reversed(pushed)]
    assert len(scene.slept) == 3
    assert scene.hub.count("blob") == 1  # what was read is not read again


def test_a_push_that_changes_the_same_file_is_built_upon(scene: Scene) -> None:
    path = f"{P}/a/metadata.json"
    scene.hub.commit({path: metadata()})
    scene.before("PATCH", "/git/refs/", lambda: scene.hub.commit({path: metadata("processing", note="mine")}))
    update(scene, {f"{P}/a": DONE})
    found = json.loads(scene.hub.read(path))
    assert (found["status"], found["note"]) == ("completed", "mine")


def test_a_push_that_completes_the_chunk_leaves_nothing_to_do(scene: Scene) -> None:
    path = f"{P}/a/metadata.json"
    scene.hub.commit({path: metadata()})
    scene.before("PATCH", "/git/refs/", lambda: scene.hub.commit({path: metadata("completed", by="other")}))
    assert update(scene, {f"{P}/a": DONE}) == Updated(None)
    assert json.loads(scene.hub.read(path))["by"] == "other"


def test_two_updaters_and_a_pusher_lose_nothing(scene: Scene) -> None:
    folders = {who: [f"{P}/{who}/chunk_{number:04d}" for number in range(6)] for who in "ab"}
    scene.hub.commit({f"{folder}/metadata.json": metadata() for each in folders.values() for folder in each})
    commits: list[str | None] = []
    errors: list[BaseException] = []
    pushes = iter(range(4))
    pushed: list[str] = []
    scene.before("PATCH", "/git/refs/", lambda: pushed.append(scene.hub.commit({f"p{next(pushes)}": b""})), times=4)

    def work(who: str) -> None:
        client = scene.client()
        try:
            commits.extend(
                update(scene, {folder: DONE}, client, attempts=50, jitter=random.Random(who)).commit
                for folder in folders[who]
            )
        except Exception as error:  # noqa: BLE001  whatever it is, the test tells it
            errors.append(error)

    threads = [threading.Thread(target=work, args=(who,)) for who in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert {state(scene, folder) for each in folders.values() for folder in each} == {"completed"}
    assert set(log(scene)[:-1]) == {*commits, *pushed}


def test_a_branch_that_never_rests_is_given_up_on(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata()})
    scene.before("PATCH", "/git/refs/", lambda: scene.hub.commit({"other": random.randbytes(4)}), times=99)
    with pytest.raises(GithubConflict, match="each of 4 attempts"):
        update(scene, {f"{P}/a": DONE}, attempts=4)
    assert len(scene.slept) == 3
    assert state(scene, f"{P}/a") == "pending"


def test_an_answer_that_got_lost_makes_no_second_commit(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata()})
    scene.hub.faults.add("PATCH *", CloseBeforeAnswer(applied=True))
    client = scene.client()
    with pytest.raises(GithubUnavailable):
        update(scene, {f"{P}/a": DONE}, client)
    scene.clock.advance(10)
    assert update(scene, {f"{P}/a": DONE}, client).commit is None
    assert len(log(scene)) == 2


@pytest.mark.parametrize("ref", ["feature/a b#ü", "refs/heads/feature/a b#ü"])
def test_any_branch_can_be_named(scene: Scene, ref: str) -> None:
    ref = ref.replace(" ", "-")  # git takes no spaces in names
    branch = ref.removeprefix("refs/heads/")
    scene.hub.commit({"x": b""})
    scene.hub.commit({f"{P}/a/metadata.json": metadata()}, branch=branch)
    update(scene, {f"{P}/a": DONE}, ref=ref)
    assert json.loads(scene.hub.read(f"{P}/a/metadata.json", branch))["upload_hash"] == HASH


def test_the_commit_does_not_set_off_workflows_unless_told(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata(), f"{P}/b/metadata.json": metadata()})
    one, two = (update(scene, {f"{P}/{name}": DONE}, message=text).commit for name, text in (("a", ""), ("b", "Mine")))
    said = [scene.client().get("test", f"/git/commits/{sha}").data["message"] for sha in (one, two)]
    assert said == ["Record the state of 1 chunk [skip ci]", "Mine"]


def test_what_github_does_not_allow_is_raised(scene: Scene) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata()})
    with pytest.raises(GithubMissing):
        update(scene, {f"{P}/a": DONE}, ref="gone")
    scene.hub.permissions["push"] = False
    with pytest.raises(GithubDenied):
        update(scene, {f"{P}/a": DONE})
    scene.hub.permissions["push"] = True
    scene.hub.faults.add("PATCH *", Status(500))
    with pytest.raises(GithubUnavailable):
        update(scene, {f"{P}/a": DONE})


@pytest.mark.parametrize("kind", ["ref", "commits", "trees", "blobs"])
def test_an_answer_that_makes_no_sense_is_refused(scene: Scene, kind: str) -> None:
    scene.hub.commit({f"{P}/a/metadata.json": metadata()})
    scene.hub.faults.add(f"GET */git/{kind}/*", WrongBody(b'{"tree": 7, "object": []}'))
    with pytest.raises(GithubRefused, match=r"ask again later|check the API"):
        update(scene, {f"{P}/a": DONE})
