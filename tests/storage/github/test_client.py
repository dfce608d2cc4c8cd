"""What a client asks and is answered, and what the environment and the logs have to do with it."""

import logging
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fakes.client_scene import HEAD, Make, client, clock, hub, make
from fakes.clock import FakeClock
from fakes.github.faults import CloseBeforeAnswer, CutBody, Redirect, Status, WrongBody
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubError, GithubMissing

__all__ = ["client", "clock", "hub", "make"]


# What is asked and answered.


def test_gets_json_with_its_headers_and_time(hub: FakeGithub, client: Client) -> None:
    hub.clock = lambda: datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    answer = client.get("head", HEAD)
    assert (answer.status, answer.data["object"]["sha"]) == (200, hub.head())
    assert answer.date == datetime(2024, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert answer.modified
    assert client.requests.counts() == {"head": 1}


def test_an_answer_without_a_date_has_the_gates_time(hub: FakeGithub, client: Client, clock: FakeClock) -> None:
    hub.faults.add("GET *", Status(200, {"date": "today"}, body={}))
    assert client.get("head", HEAD).date == clock.now()


def test_a_conditional_request_costs_nothing_where_nothing_changed(hub: FakeGithub, client: Client) -> None:
    etag = client.get("head", HEAD).etag
    before = hub.rate.remaining
    same = client.get("head", HEAD, etag=etag)
    assert (same.status, same.modified, same.data) == (304, False, None)
    assert hub.rate.remaining == before
    hub.commit({"README": b"2"})
    changed = client.get("head", HEAD, etag=etag)
    assert changed.modified
    assert changed.data["object"]["sha"] == hub.head()
    assert client.requests.counts() == {"head": 2, "head (304)": 1}


def test_answers_are_packed_on_the_way(hub: FakeGithub, client: Client) -> None:
    hub.gzip = True
    tree = client.get("tree", "/git/trees/main", parameters={"recursive": "1"}).data["tree"]
    assert {entry["path"] for entry in tree} == {"README", "in", "in/a", "in/b", "in/b/c"}
    assert "gzip" in hub.requests[-1].headers["Accept-Encoding"]


def test_writes_and_what_they_answer(hub: FakeGithub, client: Client) -> None:
    body = {"ref": "refs/heads/new", "sha": hub.head()}
    assert client.send("ref", "POST", "/git/refs", body).status == 201
    assert client.send("dispatch", "POST", "/dispatches", {"event_type": "x"}).data is None
    assert client.send("ref", "DELETE", "/git/refs/heads/new").status == 204
    assert hub.dispatches == [("x", {})]


def test_a_graphql_query_returns_its_data(hub: FakeGithub, client: Client) -> None:
    sha = client.get("tree", "/git/trees/main").data["tree"][0]["sha"]
    wanted = f'a: object(oid: "{sha}") {{ ... on Blob {{ text }} }}'
    query = f'query($o: String!) {{ repository(owner: $o, name: "archive") {{ {wanted} }} }}'
    data = client.query("blobs", query, {"o": "someone"})
    assert data == {"repository": {"a": {"text": "hello\n"}}}


def test_one_connection_serves_many_requests(hub: FakeGithub, client: Client) -> None:
    for _ in range(3):
        client.get("head", HEAD)
    hub.faults.add("GET *", Status(404))
    with pytest.raises(GithubMissing):
        client.get("head", HEAD)
    client.get("head", HEAD)
    assert len(hub._listener._connections) == 1


# The environment and secrets.


def test_a_login_from_netrc_does_not_take_the_place_of_the_token(
    hub: FakeGithub, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    hub.faults.add("GET *", Redirect(f"{hub.repo_url}{HEAD}", 301))
    client.get("head", HEAD)
    assert {request.headers["Authorization"] for request in hub.requests} == {f"token {hub.token}"}


def test_a_proxy_from_the_environment_is_used(hub: FakeGithub, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", hub.origin)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(GithubError):
        make("http://name.invalid/api/v3").get("head", HEAD)
    assert hub.count() == 1


def test_the_token_is_in_no_message_and_no_log(
    hub: FakeGithub, client: Client, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = [f"Authorization: token {hub.token}", f"bad {hub.token}", "token " + "x" * 40, "ghs_" + "y" * 36]
    actions = [Status(code, body={"message": text}) for text in said for code in (401, 403, 404, 422, 500)]
    actions += [CutBody(3), CloseBeforeAnswer(), WrongBody(b"no"), Redirect("http://name.invalid/")]
    texts = []
    for action in actions:
        hub.faults.add("* *", action)
        with pytest.raises(GithubError) as caught:
            client.get("head", HEAD)
        error = caught.value
        texts += [str(error), repr(error), "".join(traceback.format_exception(error)), repr(error.args)]
        clock.advance(3600)
    caplog.set_level(logging.DEBUG, logger="github")
    client.get("head", HEAD)
    shown = "\n".join(texts) + caplog.text + repr(client) + repr(client.gate)
    assert {"urllib3.connectionpool", "github.Requester"} <= {record.name for record in caplog.records}
    assert hub.token not in shown
    assert "y" * 36 not in "\n".join(texts)
    assert "x" * 40 not in "\n".join(texts)
