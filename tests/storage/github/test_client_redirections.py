"""Redirections: which are followed, and with what."""

from pathlib import Path

import pytest
from fakes.client_scene import HEAD, Make, client, clock, hub, make
from fakes.github.faults import Redirect
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubRefused

__all__ = ["client", "clock", "hub", "make"]


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
