import logging
import random
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.github.faults import (
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

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import (
    GithubConflict,
    GithubDenied,
    GithubError,
    GithubMissing,
    GithubRefused,
    GithubUnavailable,
)
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

TIMEOUT = 5.0
HEAD = "/git/ref/heads/main"
Make = Callable[..., Client]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as hub:
        hub.commit({"README": b"hello\n", "in/a": b"a", "in/b/c": b"c"})
        yield hub


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(hub: FakeGithub, clock: FakeClock) -> Iterator[Make]:
    made: list[Client] = []

    def make(url: str | None = None, token: str | None = hub.token, **options: Any) -> Client:
        gate = Gate(clock, jitter=random.Random(1), sleep=time.sleep, between_writes=0.0)
        repository = Repository("someone", "archive", url or hub.url)
        client = Client(repository, token, gate=gate, requests=RequestsMade(), **{"timeout": TIMEOUT, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make: Make) -> Client:
    return make()


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


# Refusals: what each means, and whether GitHub is asked again.


def test_a_refused_token_closes_the_gate(hub: FakeGithub, client: Client) -> None:
    hub.revoke()
    with pytest.raises(GithubUnavailable, match="set a valid GITHUB_TOKEN") as caught:
        client.get("head", HEAD)
    assert caught.value.retry_in >= 30
    asked = hub.count()
    with pytest.raises(GithubUnavailable, match="Bad credentials"):
        client.send("ref", "POST", "/git/refs", {})
    assert hub.count() == asked


def test_without_a_token_none_is_sent(hub: FakeGithub, make: Make) -> None:
    with pytest.raises(GithubMissing):
        make(token=None).get("head", HEAD)
    assert "Authorization" not in hub.requests[-1].headers


def test_a_missing_permission_is_named_and_leaves_the_gate_open(hub: FakeGithub, client: Client) -> None:
    hub.permissions["push"] = False
    with pytest.raises(GithubDenied, match=r"write access to its contents \(someone/archive\)"):
        client.send("ref", "POST", "/git/refs", {"ref": "refs/heads/x", "sha": hub.head()})
    hub.faults.add("GET *", Status(403))
    with pytest.raises(GithubDenied, match="read access"):
        client.get("head", HEAD)
    client.gate.check()


@pytest.mark.parametrize("code", [403, 429])
@pytest.mark.parametrize(("after", "least", "most"), [(17, 17, 20), (None, 60, 60)])
def test_a_secondary_limit_closes_the_gate(
    hub: FakeGithub, client: Client, code: int, after: int | None, least: float, most: float
) -> None:
    hub.faults.add("GET *", SecondaryLimit(after, code))
    with pytest.raises(GithubUnavailable, match="limits this token") as caught:
        client.get("head", HEAD)
    assert least <= caught.value.retry_in <= most
    with pytest.raises(GithubUnavailable):
        client.get("head", HEAD)
    assert hub.count() == 1


def test_a_used_up_rate_limit_closes_the_gate_until_its_reset(
    hub: FakeGithub, client: Client, clock: FakeClock
) -> None:
    hub.clock = clock.now
    hub.rate.remaining = 1
    client.get("head", HEAD)
    assert client.gate.remaining == 0
    clock.advance(3000)
    with pytest.raises(GithubUnavailable, match="used up") as caught:
        client.get("head", HEAD)
    assert 600 <= caught.value.retry_in <= 603
    clock.advance(caught.value.retry_in)
    client.get("head", HEAD)
    assert client.gate.remaining == 4999


def test_graphqls_rate_limit_closes_the_gate_though_its_status_is_200(
    hub: FakeGithub, client: Client, clock: FakeClock
) -> None:
    hub.clock = clock.now
    hub.graphql_rate.remaining = 0
    with pytest.raises(GithubUnavailable, match="used up") as caught:
        client.query("blobs", "{}", {})
    assert caught.value.retry_in > 3000


@pytest.mark.parametrize(
    ("code", "message", "meaning"),
    [
        (404, "Not Found", GithubMissing),
        (410, "Gone", GithubMissing),
        (409, "Git Repository is empty.", GithubConflict),
        (422, "Reference already exists", GithubConflict),
        (422, "Reference does not exist", GithubConflict),
        (422, "Update is not a fast forward", GithubConflict),
        (422, 'Invalid request.\n\n"sha" wasn\'t supplied.', GithubRefused),
        (400, "Problems parsing JSON", GithubRefused),
        (403, "This API returns blobs up to 100 MB in size. The requested blob is too large to fetch", GithubRefused),
        (451, "Unavailable", GithubRefused),
        (501, "Not implemented", GithubRefused),
        (304 + 1, "", GithubRefused),
    ],
)
def test_a_refusal_of_one_request_has_its_own_type_and_leaves_the_gate_open(
    hub: FakeGithub, client: Client, code: int, message: str, meaning: type[GithubError]
) -> None:
    hub.faults.add("* *", Status(code, body={"message": message}))
    with pytest.raises(GithubError) as caught:
        client.get("head", HEAD)
    assert type(caught.value) is meaning
    assert str(code) in str(caught.value)
    assert "\n" not in str(caught.value)
    client.gate.check()


@pytest.mark.parametrize("code", [500, 502, 503, 504, 408])
def test_a_server_error_closes_the_gate_for_seconds_then_longer(
    hub: FakeGithub, client: Client, clock: FakeClock, code: int
) -> None:
    hub.faults.add("* *", Status(code, body=b"<html>Unicorn!</html>"), times=2)
    with pytest.raises(GithubUnavailable, match=str(code)) as first:
        client.get("head", HEAD)
    clock.advance(first.value.retry_in)
    with pytest.raises(GithubUnavailable) as second:
        client.get("head", HEAD)
    assert 1 <= first.value.retry_in <= 2 <= second.value.retry_in <= 4
    clock.advance(second.value.retry_in)
    client.get("head", HEAD)
    assert client.gate.closed() is None


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("NOT_FOUND", GithubMissing),
        ("FORBIDDEN", GithubDenied),
        ("STALE_DATA", GithubConflict),
        ("", GithubRefused),
    ],
)
def test_graphqls_errors_mean_what_those_of_rest_mean(
    hub: FakeGithub, client: Client, error: str, meaning: type[GithubError]
) -> None:
    body = {"data": None, "errors": [{"type": error, "message": "it is so"}]}
    hub.faults.add("POST */graphql", Status(200, body=body))
    with pytest.raises(meaning, match="it is so"):
        client.query("blobs", "{}", {})
    client.gate.check()


@pytest.mark.parametrize("body", [[], {"errors": "x"}, {"errors": [None]}, {}, 3])
def test_a_graphql_answer_of_no_known_form_is_refused(hub: FakeGithub, client: Client, body: object) -> None:
    hub.faults.add("POST */graphql", Status(200, body=body))
    with pytest.raises(GithubRefused, match="no data"):
        client.query("blobs", "{}", {})


# Outages.


def outage(client: Client) -> str:
    """The message of an outage, which must have closed the gate."""
    with pytest.raises(GithubUnavailable) as caught:
        client.get("head", HEAD)
    assert 1 <= caught.value.retry_in <= 2
    assert client.gate.closed() is not None
    return str(caught.value)


@pytest.mark.parametrize("at", [0, 1, 40])
def test_an_answer_that_is_cut_is_an_outage(hub: FakeGithub, client: Client, at: int) -> None:
    hub.faults.add("GET *", CutBody(at))
    assert "no answer to GET /repos/someone/archive/git/ref/heads/main" in outage(client)
    assert client.requests.counts() == {"head (failed)": 1}


def test_a_connection_that_closes_without_an_answer_is_an_outage(hub: FakeGithub, client: Client) -> None:
    hub.faults.add("GET *", CloseBeforeAnswer())
    outage(client)


def test_a_server_that_hangs_is_an_outage(hub: FakeGithub, make: Make) -> None:
    hub.faults.add("GET *", Hang())
    assert "Timeout" in outage(make(timeout=0.05))


def test_a_body_that_hangs_is_an_outage(hub: FakeGithub, make: Make) -> None:
    hub.faults.add("GET *", SlowBody(10, threading.Event()))
    assert "Timeout" in outage(make(timeout=0.05))


def test_an_answer_that_drips_is_an_outage(hub: FakeGithub, make: Make) -> None:
    client, looked_at = make(), threading.Event()

    class LateClock(FakeClock):
        def monotonic(self) -> float:
            # Looked at for the first time when the head of the answer is there, then after each piece.
            self.advance(61)
            if self._monotonic > 1061:
                looked_at.set()
            return self._monotonic

    client._connection._clock = LateClock()
    hub.faults.add("GET *", SlowBody(10, looked_at))
    assert "too slow" in outage(client)


def test_a_refused_connection_is_an_outage(make: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "ConnectionRefusedError" in outage(make(f"http://127.0.0.1:{port}"))


def test_a_name_that_cannot_be_resolved_is_an_outage(make: Make) -> None:
    assert "gaierror" in outage(make("http://name.invalid"))


@pytest.mark.parametrize("body", [b"<html>log in to the hotel's network</html>", b'{"a": ', b"\xff\xfe", b"[" * 99999])
def test_an_answer_that_is_no_json_is_an_outage(hub: FakeGithub, client: Client, body: bytes) -> None:
    hub.faults.add("GET *", WrongBody(body))
    assert "no JSON" in outage(client)


def test_an_answer_that_is_not_ready_is_an_outage_and_not_waited_for(hub: FakeGithub, client: Client) -> None:
    hub.faults.add("GET *", Status(202, body={}), times=None)
    assert "not ready" in outage(client)
    assert hub.count() == 1


def test_an_outage_that_is_over_is_told(hub: FakeGithub, client: Client, clock: FakeClock) -> None:
    hub.faults.add("GET *", CloseBeforeAnswer())
    outage(client)
    clock.advance(2)
    client.get("head", HEAD)
    client.gate.check()


def test_the_gate_is_asked_again_after_the_wait_for_a_turn(hub: FakeGithub, client: Client) -> None:
    client.gate._sleep = lambda _: client.gate.failed("meanwhile")
    client.gate._between_writes = 1.0
    client.gate.take_turn_to_write()
    with pytest.raises(GithubUnavailable, match="meanwhile"):
        client.send("ref", "POST", "/git/refs", {})
    assert hub.count() == 0


# Redirections.


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_renamed_repository_is_followed_with_the_query(hub: FakeGithub, make: Make, code: int) -> None:
    client = make()
    new = f"{hub.repo_url}/git/trees/main?recursive=1"
    hub.faults.add("GET */git/trees/*", Redirect(new, code))
    tree = client.get("tree", "/git/trees/main", parameters={"recursive": "1"}).data["tree"]
    assert "in/b/c" in {entry["path"] for entry in tree}
    assert client.requests.counts() == {"tree": 1}


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirected_write_keeps_its_verb_and_body(hub: FakeGithub, client: Client, code: int) -> None:
    hub.faults.add("POST *", Redirect("/api/v3/repos/someone/archive/dispatches", code))
    client.send("dispatch", "POST", "/dispatches", {"event_type": "x"})
    assert hub.dispatches == [("x", {})]


def test_a_write_is_not_turned_into_a_read(hub: FakeGithub, client: Client) -> None:
    hub.faults.add("POST *", Redirect(f"{hub.repo_url}/git/refs", 303))
    with pytest.raises(GithubRefused, match="303"):
        client.send("ref", "POST", "/git/refs", {})
    assert hub.count() == 1


@pytest.mark.parametrize("code", [301, 302, 307])
def test_a_redirection_to_another_port_or_host_is_refused(
    hub: FakeGithub, client: Client, tmp_path: Path, code: int
) -> None:
    with FakeGithub(tmp_path / "other") as other:
        for origin in (other.origin, hub.origin.replace("127.0.0.1", "localhost")):
            hub.faults.add("GET *", Redirect(f"{origin}/api/v3{HEAD}?signature=secret", code))
            with pytest.raises(GithubRefused, match="another host") as caught:
                client.get("head", HEAD)
            assert "secret" not in str(caught.value)
        assert other.count() == 0
    client.gate.check()


@pytest.mark.parametrize("location", ["http://[", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_a_redirection_to_no_http_url_is_refused(hub: FakeGithub, client: Client, location: str) -> None:
    hub.faults.add("GET *", Redirect(location))
    with pytest.raises(GithubRefused):
        client.get("head", HEAD)


def test_a_redirection_in_a_circle_is_refused(hub: FakeGithub, client: Client) -> None:
    hub.faults.add("GET *", Redirect(f"{hub.repo_url}{HEAD}", 301), times=None)
    with pytest.raises(GithubRefused, match="on and on"):
        client.get("head", HEAD)
    assert hub.count() < 10


def test_an_endless_answer_is_refused(hub: FakeGithub, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from panini_daemon.storage.github import connection

    monkeypatch.setattr(connection, "_LARGEST", 50)
    with pytest.raises(GithubRefused, match="over 50 bytes"):
        client.get("head", HEAD)


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
