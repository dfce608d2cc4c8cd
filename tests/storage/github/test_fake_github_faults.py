import hashlib
import http.client
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from fakes.github.faults import (
    Action,
    CloseBeforeAnswer,
    CutBody,
    Hang,
    Redirect,
    SecondaryLimit,
    SlowBody,
    Status,
    WrongBody,
)
from fakes.github.server import FakeGithub


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as hub:
        hub.commit({"data": b"0123456789"})
        yield hub


def get(hub: FakeGithub, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": f"token {hub.token}", "Accept": "application/vnd.github.raw"}
    return requests.get(hub.repo_url + path, headers=headers, timeout=10, **options)


def test_a_fault_comes_as_often_and_as_late_as_ordered(hub: FakeGithub) -> None:
    fault = hub.faults.add("GET */contents/*", Status(502), times=2, after=1)
    assert [get(hub, "/contents/data").status_code for _ in range(5)] == [200, 502, 502, 200, 200]
    assert fault.hits == 2
    assert [request.status for request in hub.requests] == [200, 502, 502, 200, 200]
    hub.faults.add(lambda method, path: method == "GET" and path.endswith("data"), Status(500), times=None)
    assert [get(hub, "/contents/data").status_code for _ in range(3)] == [500] * 3
    hub.faults.clear()
    assert get(hub, "/contents/data").status_code == 200


def test_answers_that_github_may_give_instead(hub: FakeGithub) -> None:
    hub.faults.add("* *", Status(503, {"Retry-After": "7", "Date": "x"}, {"message": "m"}))
    hub.faults.add("* *", SecondaryLimit(retry_after=30, code=429))
    hub.faults.add("* *", SecondaryLimit())
    hub.faults.add("* *", Redirect("http://127.0.0.1:1/", 307))
    first, second, third, fourth = (get(hub, "", allow_redirects=False) for _ in range(4))
    assert (first.status_code, first.headers["retry-after"], first.headers["date"]) == (503, "7", "x")
    assert first.json() == {"message": "m"}
    assert (second.status_code, second.headers["retry-after"]) == (429, "30")
    assert "secondary rate limit" in third.json()["message"]
    assert third.headers["x-ratelimit-remaining"] != "0"
    assert "retry-after" not in third.headers
    assert (fourth.status_code, fourth.headers["location"]) == (307, "http://127.0.0.1:1/")


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_answer_says_nothing_about_what_was_done(hub: FakeGithub, applied: bool) -> None:
    hub.faults.add("POST */git/refs", CloseBeforeAnswer(applied=applied))
    headers = {"Authorization": f"token {hub.token}"}
    with pytest.raises(requests.ConnectionError):
        requests.post(
            f"{hub.repo_url}/git/refs", json={"ref": "refs/heads/x", "sha": hub.head()}, headers=headers, timeout=10
        )
    assert ("refs/heads/x" in hub.refs()) is applied
    assert hub.requests[0].status == 0


def test_bodies_are_cut_and_exchanged(hub: FakeGithub) -> None:
    hub.faults.add("GET *", CutBody(4))
    hub.faults.add("GET *", WrongBody(b"wrong"))
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="4 bytes read, 6 more expected"):
        get(hub, "/contents/data")
    assert get(hub, "/contents/data").content == b"wrong"


def test_a_slow_body_comes_as_the_test_lets_it(hub: FakeGithub) -> None:
    more = threading.Event()
    hub.faults.add("GET *", SlowBody(4, more))
    with get(hub, "/contents/data", stream=True) as slow:
        assert slow.raw.read(4) == b"0123"
        more.set()
        assert slow.raw.read() == b"456789"
    pauses: list[int] = []
    hub.faults.add("GET *", SlowBody(4, lambda: pauses.append(1)))
    assert (get(hub, "/contents/data").content, pauses) == (b"0123456789", [1, 1])


@pytest.mark.parametrize("action", [Hang(), SlowBody(4, threading.Event())])
def test_the_end_of_the_hub_ends_whoever_waits(tmp_path: Path, action: Action) -> None:
    before = threading.active_count()
    with FakeGithub(tmp_path) as hub:
        hub.commit({"data": b"0123456789"})
        hub.faults.add("GET *", action)
        connection = http.client.HTTPConnection("127.0.0.1", int(urlsplit(hub.url).port or 0), timeout=10)
        path = urlsplit(hub.repo_url).path + "/contents/data"
        connection.request("GET", path, headers={"Authorization": f"token {hub.token}"})
        while not hub.requests:
            threading.Event().wait(0.001)
    assert threading.active_count() == before
    connection.close()


def test_lfs_links_serve_once_and_live_on_another_host(hub: FakeGithub) -> None:
    data = b"large" * 100
    oid = hashlib.sha256(data).hexdigest()
    hub.lfs[oid] = data
    wanted = [{"oid": oid, "size": len(data)}, {"oid": "f" * 64, "size": 1}]
    url = f"{hub.git_url}/info/lfs/objects/batch"
    body = {"operation": "download", "transfers": ["basic"], "objects": wanted}
    assert requests.post(url, json=body, timeout=10).status_code == 401
    answer = requests.post(url, json=body, auth=("x", hub.token), timeout=10)
    assert answer.headers["Content-Type"] == "application/vnd.git-lfs+json"
    there, missing = answer.json()["objects"]
    assert missing["error"]["code"] == 404
    href = there["actions"]["download"]["href"]
    assert urlsplit(href).hostname == "localhost"
    assert requests.get(href, headers={"Authorization": "token x"}, timeout=10).status_code == 400
    part = requests.get(href, headers={"Range": "bytes=495-"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"large")
    assert requests.get(href, timeout=10).status_code == 403
    assert [request.headers["Authorization"] for request in hub.requests if request.kind == "lfs-object"] == [
        "token x",
        None,
        None,
    ]


def test_graphql_answers_many_texts_at_once(hub: FakeGithub) -> None:
    hub.commit({"binary": b"\0", "latin": b"\xe9", "text": "é".encode()})
    tree = get(hub, "/git/trees/main").json()["tree"]
    names = {each["path"]: each["sha"] for each in tree}
    fields = "{ ... on Blob { oid byteSize isBinary isTruncated text } }"
    objects = " ".join(f'{name}: object(oid: "{sha}") {fields}' for name, sha in names.items())
    query = "query($o: String!, $n: String!, $x: GitObjectID!) { repository(owner: $o, name: $n) { %s } }"
    variables = {"o": hub.owner, "n": hub.repo, "x": "0" * 40}
    body = {"query": query % f"{objects} none: object(oid: $x) {fields}", "variables": variables}
    headers = {"Authorization": f"bearer {hub.token}"}
    answer = requests.post(hub.graphql, json=body, headers=headers, timeout=10).json()["data"]["repository"]
    assert {name: value and value["text"] for name, value in answer.items()} == {
        "binary": None,
        "data": "0123456789",
        "latin": None,
        "text": "é",
        "none": None,
    }
    assert (answer["none"], answer["binary"]["isBinary"], answer["text"]["byteSize"]) == (None, True, 2)
    wrong = requests.post(hub.graphql, json={"query": "{ viewer { login } }"}, headers=headers, timeout=10)
    assert (wrong.status_code, list(wrong.json())) == (200, ["errors"])


@pytest.mark.slow
@pytest.mark.parametrize("packed", [True, False])
def test_what_git_pushes_is_there(hub: FakeGithub, tmp_path: Path, packed: bool) -> None:
    if packed:
        git(tmp_path, "--git-dir", str(hub.git.folder), "config", "receive.unpackLimit", "1")
    url = hub.git_url.replace("://", f"://x:{hub.token}@")
    git(tmp_path, "clone", "-q", url, "work")
    work = tmp_path / "work"
    assert (work / "data").read_bytes() == b"0123456789"
    (work / "new").write_bytes(os.urandom(2_000_000))
    git(work, "add", "new")
    git(work, "-c", "user.name=n", "-c", "user.email=e@example.invalid", "commit", "-q", "-m", "add")
    git(work, "push", "-q", "origin", "HEAD:main")
    assert any((hub.git.folder / "objects" / "pack").glob("*.pack")) is packed
    assert [each["path"] for each in get(hub, "/git/trees/main").json()["tree"]] == ["data", "new"]
    assert hub.read("new") == (work / "new").read_bytes()
    hub.commit({f"many/{number}": b"%d" % number for number in range(200)})
    git(work, "pull", "-q", "--ff-only")
    assert (work / "many" / "199").read_bytes() == b"199"
    git(tmp_path, "--git-dir", str(hub.git.folder), "fsck", "--strict")
    hub.revoke()
    with pytest.raises(subprocess.CalledProcessError):
        git(work, "fetch", "-q")


@pytest.mark.slow
def test_pygithub_understands_it(hub: FakeGithub) -> None:
    import github

    with_token = github.Auth.Token(hub.token)
    client = github.Github(auth=with_token, base_url=hub.url, seconds_between_requests=0, seconds_between_writes=0)
    repository = client.get_repo("someone/archive")
    head = repository.get_git_ref("heads/main").object.sha
    blob = repository.create_git_blob("text", "utf-8")
    element = github.InputGitTreeElement("a/b", "100644", "blob", sha=blob.sha)
    tree = repository.create_git_tree([element], repository.get_git_tree(head))
    commit = repository.create_git_commit("m", tree, [repository.get_git_commit(head)])
    repository.create_git_ref("refs/panini/leases/a", commit.sha).delete()
    repository.get_git_ref("heads/main").edit(commit.sha)
    repository.get_commit(commit.sha).create_status("success", description="d", context="c")
    assert repository.create_repository_dispatch("chunk_compressed", {"a": 1})
    assert hub.read("a/b") == b"text"
    contents = repository.get_contents("a/b")
    assert not isinstance(contents, list)
    assert contents.decoded_content == b"text"
    assert [each.path for each in repository.get_git_tree("main", recursive=True).tree] == ["a", "a/b", "data"]
    assert client.get_rate_limit().rate.limit == 5000
    client.close()


def git(folder: Path, *arguments: str) -> None:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True, capture_output=True)
