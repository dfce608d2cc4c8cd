"""Refusals: what each means, and whether GitHub is asked again."""

import pytest
from fakes.client_scene import HEAD, Make, client, clock, hub, make
from fakes.clock import FakeClock
from fakes.github.faults import SecondaryLimit, Status
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

__all__ = ["client", "clock", "hub", "make"]


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


def test_an_endless_answer_is_refused(hub: FakeGithub, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from panini_daemon.storage.github import connection

    monkeypatch.setattr(connection, "_LARGEST", 50)
    with pytest.raises(GithubRefused, match="over 50 bytes"):
        client.get("head", HEAD)
