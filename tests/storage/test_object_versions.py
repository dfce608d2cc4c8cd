from pathlib import Path

import pytest
from fakes.object_client import ObjectClient
from fakes.s3_server import BUCKET, S3Server, unconditional_server

from panini_daemon.storage.errors import RootUnusable
from panini_daemon.storage.object_connection import Client, connect
from panini_daemon.storage.object_versions import Version, Versions


@pytest.fixture(params=["memory", pytest.param("server", marks=pytest.mark.slow)])
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    if request.param == "memory":
        return connect("memory:///", {})
    return connect_to(request.getfixturevalue("s3"), monkeypatch, tmp_path.name)


def connect_to(server: S3Server, monkeypatch: pytest.MonkeyPatch, prefix: str) -> Client:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return connect(f"s3://{BUCKET}/{prefix}", server.environment)


def test_an_object_is_made_only_where_there_is_none(client: Client) -> None:
    versions = Versions(client, "x")
    assert versions.create("a/b", b"1")
    assert versions.create("a/b", b"2") is None
    assert (versions.read("a/b") or (b"",))[0] == b"1"


def test_an_object_is_changed_only_as_it_was_read_and_never_made_again(client: Client) -> None:
    versions = Versions(client, "x")
    first = versions.create("a/b", b"1")
    assert first
    second = versions.update("a/b", b"2", first)
    assert second
    assert versions.update("a/b", b"3", first) is None
    found = versions.read("a/b")
    assert found
    assert (found[0], found[1].e_tag) == (b"2", second.e_tag)
    versions.delete(["a/b", "a/never"])
    assert versions.update("a/b", b"4", second) is None
    assert versions.read("a/b") is None


def test_a_listing_tells_contents_apart_and_shows_sizes(client: Client) -> None:
    versions = Versions(client, "x")
    first = versions.create("a/b", b"1")
    assert first
    before = versions.list("a")
    versions.update("a/b", b"", first)
    after = versions.list("a")
    assert (before["b"].size, after["b"].size) == (1, 0)
    assert before["b"].tag != after["b"].tag


def test_a_server_that_obeys_conditions_is_accepted_and_nothing_is_left_of_the_trial(client: Client) -> None:
    Versions(client, "x").demand_conditions("leases")
    assert Versions(client, "x").list("leases") == {}


def test_the_trial_costs_three_writes_and_a_deletion() -> None:
    client = ObjectClient()
    Versions(client, "x").demand_conditions("leases")
    assert client.count() == {"put": 3, "delete": 1}


def test_a_store_that_cannot_change_under_a_condition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RootUnusable, match="my root: the server cannot write under a condition"):
        Versions(connect((tmp_path / "x").as_uri(), {}), "my root").demand_conditions("leases")
    assert [path for path in (tmp_path / "x").rglob("*") if path.is_file()] == []


class Overwriting(ObjectClient):
    """Obeys If-None-Match, but not If-Match."""

    def put(self, path: str, file: object, **options: object) -> object:
        if options.get("mode") != "create":
            options["mode"] = "overwrite"
        return super().put(path, file, **options)


def test_a_server_that_obeys_one_condition_alone_is_refused_too() -> None:
    with pytest.raises(RootUnusable, match=r"it ignores If-Match\); leases need"):
        Versions(Overwriting(), "s3://b/x").demand_conditions("leases")


@pytest.mark.slow
def test_a_server_that_ignores_conditions_is_refused_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with unconditional_server(tmp_path / "s3") as server:
        versions = Versions(connect_to(server, monkeypatch, "tree"), "s3://bucket/tree")
        with pytest.raises(RootUnusable, match=r"s3://bucket/tree: .*ignores If-None-Match.*rclone mount"):
            versions.demand_conditions("leases")
        assert versions.list("leases") == {}


def test_only_what_a_server_told_is_made_a_condition() -> None:
    assert Version('"a"', None).mode() == {"e_tag": '"a"'}
    assert Version(None, "7").mode() == {"version": "7"}
