import base64
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from fakes.github.server import FakeGithub

RAW = {"Accept": "application/vnd.github.raw+json"}


class Client:
    """Plain requests to one hub, with its token."""

    def __init__(self, hub: FakeGithub) -> None:
        self.base = hub.repo_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {hub.token}"

    def __call__(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        return self.session.request(method, url, json=json, timeout=10, **options)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as hub:
        hub.commit({"README": b"hello\n", "in/a.bin": b"\0a", "in/b/c.txt": b"c"})
        yield hub


@pytest.fixture
def ask(hub: FakeGithub) -> Iterator[Client]:
    client = Client(hub)
    yield client
    client.session.close()


def test_a_ref_is_found_by_its_exact_name_only(hub: FakeGithub, ask: Client) -> None:
    hub.force("main-2", hub.head())
    assert ask("GET", "/git/ref/heads/main").json()["object"]["sha"] == hub.head()
    assert ask("GET", "/git/ref/heads/mai").status_code == 404
    names = [ref["ref"] for ref in ask("GET", "/git/matching-refs/heads/mai").json()]
    assert names == ["refs/heads/main", "refs/heads/main-2"]


def test_refs_are_created_moved_and_removed_as_github_says(hub: FakeGithub, ask: Client) -> None:
    first = hub.head()
    second = hub.commit({"README": b"2"})
    lease = "refs/panini/leases/x"
    assert ask("POST", "/git/refs", {"ref": lease, "sha": first}).status_code == 201
    again = ask("POST", "/git/refs", {"ref": lease, "sha": first})
    assert (again.status_code, again.json()["message"]) == (422, "Reference already exists")
    unknown = ask("POST", "/git/refs", {"ref": lease + "y", "sha": "0" * 40})
    assert (unknown.status_code, unknown.json()["message"]) == (422, "Object does not exist")
    assert ask("POST", "/git/refs", {"ref": "refs/x", "sha": first}).status_code == 422
    assert ask("PATCH", "/git/refs/panini/leases/x", {"sha": second}).status_code == 200
    back = ask("PATCH", "/git/refs/panini/leases/x", {"sha": first})
    assert (back.status_code, back.json()["message"]) == (422, "Update is not a fast forward")
    assert ask("PATCH", "/git/refs/panini/leases/x", {"sha": first, "force": True}).status_code == 200
    assert ask("DELETE", "/git/refs/panini/leases/x").status_code == 204
    gone = ask("PATCH", "/git/refs/panini/leases/x", {"sha": first})
    assert (gone.status_code, gone.json()["message"]) == (422, "Reference does not exist")
    assert ask("DELETE", "/git/refs/panini/leases/x").status_code == 422
    assert list(hub.refs()) == ["refs/heads/main"]


def test_of_two_racing_updates_exactly_one_wins(hub: FakeGithub, ask: Client) -> None:
    for number in range(10):
        head, start = hub.head(), threading.Barrier(2)
        codes: list[int] = []
        tree = ask("GET", f"/git/commits/{head}").json()["tree"]["sha"]
        bodies = [{"message": f"{number} {side}", "tree": tree, "parents": [head]} for side in "ab"]
        commits = [ask("POST", "/git/commits", body).json()["sha"] for body in bodies]

        def move(sha: str, start: threading.Barrier = start, codes: list[int] = codes) -> None:
            with Client(hub).session as session:
                start.wait()
                codes.append(session.patch(f"{hub.repo_url}/git/refs/heads/main", json={"sha": sha}).status_code)

        threads = [threading.Thread(target=move, args=(sha,)) for sha in commits]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(codes) == [200, 422]
        assert hub.head() in commits


def test_what_has_not_changed_costs_nothing(hub: FakeGithub, ask: Client) -> None:
    for path in ("/git/ref/heads/main", "/git/trees/main?recursive=1", "/commits/main"):
        etag = ask("GET", path).headers["ETag"]
        left = hub.rate.remaining
        same = ask("GET", path, headers={"If-None-Match": etag})
        assert (same.status_code, same.content, hub.rate.remaining) == (304, b"", left)
        hub.commit({"README": str(left).encode()})
        assert ask("GET", path, headers={"If-None-Match": etag}).status_code == 200
        assert hub.rate.remaining == left - 1


def test_an_etag_holds_for_one_token_only(hub: FakeGithub, ask: Client) -> None:
    etag = ask("GET", "/git/ref/heads/main").headers["ETag"]
    hub.tokens.add("other")
    headers = {"If-None-Match": etag, "Authorization": "token other"}
    assert ask("GET", "/git/ref/heads/main", headers=headers).status_code == 200


def test_an_exhausted_rate_refuses_until_its_reset(hub: FakeGithub, ask: Client) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    hub.clock = lambda: now
    hub.rate.remaining, hub.rate.reset = 1, int(now.timestamp()) + 60
    assert ask("GET", "").headers["x-ratelimit-remaining"] == "0"
    refused = ask("GET", "")
    assert refused.status_code == 403
    assert refused.headers["x-ratelimit-reset"] == str(int(now.timestamp()) + 60)
    assert "rate limit" in refused.json()["message"]
    assert refused.headers["Date"] == "Tue, 01 Jan 2030 00:00:00 GMT"
    assert ask("GET", f"{hub.url}/rate_limit").json()["rate"]["remaining"] == 0
    now += timedelta(seconds=60)
    assert ask("GET", "").headers["x-ratelimit-used"] == "1"


def test_trees_list_folders_before_what_is_in_them(hub: FakeGithub, ask: Client) -> None:
    answer = ask("GET", "/git/trees/main?recursive=1").json()
    listed = [(each["path"], each["type"], each.get("size")) for each in answer["tree"]]
    assert listed == [
        ("README", "blob", 6),
        ("in", "tree", None),
        ("in/a.bin", "blob", 2),
        ("in/b", "tree", None),
        ("in/b/c.txt", "blob", 1),
    ]
    assert answer["truncated"] is False
    assert [each["path"] for each in ask("GET", "/git/trees/main").json()["tree"]] == ["README", "in"]


@pytest.mark.parametrize("limit", ["tree_limit", "tree_bytes"])
def test_a_tree_over_a_limit_is_a_truncated_prefix(hub: FakeGithub, ask: Client, limit: str) -> None:
    whole = ask("GET", "/git/trees/main?recursive=1").json()["tree"]
    setattr(hub, limit, {"tree_limit": 3, "tree_bytes": 700}[limit])
    answer = ask("GET", "/git/trees/main?recursive=1")
    assert answer.json()["truncated"] is True
    assert 0 < len(answer.json()["tree"]) < len(whole)
    assert answer.json()["tree"] == whole[: len(answer.json()["tree"])]
    assert len(answer.content) <= hub.tree_bytes


def test_blob_tree_commit_and_ref_make_a_change(hub: FakeGithub, ask: Client) -> None:
    head = hub.head()
    blob = ask("POST", "/git/blobs", {"content": base64.b64encode(b"\xff").decode(), "encoding": "base64"}).json()[
        "sha"
    ]
    edits = [
        {"path": "out/x", "mode": "100644", "type": "blob", "sha": blob},
        {"path": "in/b/c.txt", "mode": "100644", "type": "blob", "sha": None},
        {"path": "text", "mode": "100755", "type": "blob", "content": "é"},
    ]
    tree = ask("POST", "/git/trees", {"base_tree": head, "tree": edits})
    assert tree.status_code == 201
    commit = ask("POST", "/git/commits", {"message": "m", "tree": tree.json()["sha"], "parents": [head]})
    assert commit.json()["parents"][0]["sha"] == head
    assert ask("PATCH", "/git/refs/heads/main", {"sha": commit.json()["sha"]}).status_code == 200
    assert (hub.read("out/x"), hub.read("text"), hub.read("in/a.bin")) == (b"\xff", "é".encode(), b"\0a")
    with pytest.raises(KeyError):
        hub.read("in/b/c.txt")
    bad = {"message": "m", "tree": blob, "parents": []}
    assert ask("POST", "/git/commits", bad).status_code == 422


def test_a_blob_comes_raw_or_within_json_and_in_ranges_where_asked(hub: FakeGithub, ask: Client) -> None:
    path = next(f"/git/blobs/{e['sha']}" for e in ask("GET", "/git/trees/main").json()["tree"] if e["path"] == "README")
    assert base64.b64decode(ask("GET", path).json()["content"]) == b"hello\n"
    ranged = {**RAW, "Range": "bytes=1-3"}
    assert ask("GET", path, headers=ranged).content == b"hello\n"
    hub.blob_ranges = True
    part = ask("GET", path, headers=ranged)
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"ell", "bytes 1-3/6")
    assert ask("GET", path, headers={**RAW, "Range": "bytes=6-"}).status_code == 416
    hub.gzip = True
    packed = ask("GET", path, headers=RAW)
    assert (packed.content, packed.headers["Content-Encoding"]) == (b"hello\n", "gzip")
    hub.blob_limit = 5
    refused = ask("GET", path, headers=RAW)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (403, "too_large")


def test_contents_are_put_by_the_sha_that_stands_there(hub: FakeGithub, ask: Client) -> None:
    body = {"message": "m", "content": base64.b64encode(b"new").decode()}
    created = ask("PUT", "/contents/leases/x", {**body, "sha": "0" * 40})
    assert created.status_code == 201
    assert ask("PUT", "/contents/leases/x", body).status_code == 422
    assert ask("PUT", "/contents/leases/x", {**body, "sha": "0" * 40}).status_code == 409
    sha = created.json()["content"]["sha"]
    assert ask("PUT", "/contents/leases/x", {**body, "sha": sha}).status_code == 200
    assert ask("GET", "/contents/leases/x", headers=RAW).content == b"new"
    assert [each["type"] for each in ask("GET", "/contents/?ref=main").json()] == ["file", "dir", "dir"]
    assert ask("DELETE", "/contents/leases/x", {"message": "m", "sha": sha}).status_code == 200
    assert ask("GET", "/contents/leases/x").status_code == 404
    hub.contents_json_limit = 3
    assert ask("GET", "/contents/README").json()["encoding"] == "none"


def test_dispatches_and_statuses_are_noted_and_bounded(hub: FakeGithub, ask: Client) -> None:
    seen: list[str] = []
    hub.on_dispatch = lambda event, _: seen.append(event)
    assert ask("POST", "/dispatches", {"event_type": "e", "client_payload": {"a": 1}}).status_code == 204
    assert (hub.dispatches, seen) == ([("e", {"a": 1})], ["e"])
    too_much = {str(number): number for number in range(11)}
    for bad in ({"a": "x" * 65_530}, too_much):
        assert ask("POST", "/dispatches", {"event_type": "e", "client_payload": bad}).status_code == 422
    assert ask("POST", "/dispatches", {"event_type": "e" * 101}).status_code == 422
    head = hub.head()
    assert ask("POST", f"/statuses/{head}", {"state": "pending", "context": "c", "description": "d"}).status_code == 201
    assert ask("POST", f"/statuses/{head}", {"state": "done"}).status_code == 422
    assert ask("POST", f"/statuses/{head}", {"state": "error", "description": "x" * 141}).status_code == 422
    assert [each["context"] for each in ask("GET", "/commits/main/statuses").json()] == ["c"]
    assert hub.statuses == [{"sha": head, "state": "pending", "context": "c", "description": "d", "target_url": None}]


def test_the_sha_media_type_answers_with_the_sha_only(hub: FakeGithub, ask: Client) -> None:
    assert ask("GET", "/commits/main", headers={"Accept": "application/vnd.github.sha"}).text == hub.head()
    assert ask("GET", "/commits/main").json()["commit"]["message"] == "Change files"
    assert ask("GET", "/commits/none").status_code == 422


def test_who_may_not_is_told_as_github_tells(hub: FakeGithub, ask: Client) -> None:
    assert requests.get(hub.repo_url, timeout=10).status_code == 404
    assert ask("GET", f"{hub.url}/repos/someone/else").status_code == 404
    hub.permissions["push"] = False
    refused = ask("POST", "/git/blobs", {"content": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by personal access token")
    hub.revoke()
    assert (ask("GET", "").status_code, ask("GET", "").json()["message"]) == (401, "Bad credentials")
    assert [request.status for request in hub.requests] == [404, 404, 403, 401, 401]


def test_an_empty_repository_is_a_conflict(tmp_path: Path) -> None:
    with FakeGithub(tmp_path) as hub, Client(hub).session as session:
        empty = session.get(f"{hub.repo_url}/git/ref/heads/main")
        assert (empty.status_code, empty.json()["message"]) == (409, "Git Repository is empty.")
