"""Outages: what counts as one, and how it ends."""

import socket
import threading

import pytest
from fakes.client_scene import HEAD, Make, client, clock, hub, make
from fakes.clock import FakeClock
from fakes.github.faults import CloseBeforeAnswer, CutBody, Hang, SlowBody, Status, WrongBody
from fakes.github.server import FakeGithub

from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubUnavailable

__all__ = ["client", "clock", "hub", "make"]


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
