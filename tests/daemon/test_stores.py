from pathlib import Path

import pytest

from panini_daemon.config import ObjectUrl, Settings, load
from panini_daemon.errors import UsageError
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.errors import RootUnusable
from panini_daemon.storage.leases import Leases
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.object_leases import ObjectLeases
from panini_daemon.storage.object_store import ObjectStore
from panini_daemon.stores import demand_leases, make_leases, may_be_new, open_store, parse_root, secrets_of


def settings(root: str, **environ: str) -> Settings:
    return load({"root": root}, environ=environ, cwd=Path("/")).settings


def test_a_folder_is_kept_in_files_and_leased_by_files(tmp_path: Path) -> None:
    found = settings(str(tmp_path))
    store = open_store(found.root)
    assert isinstance(store, LocalStore)
    assert isinstance(make_leases(found, store, SystemClock(), None), Leases)
    demand_leases(store, found.root)


def test_a_url_is_kept_in_objects_and_leased_by_compare_and_swap() -> None:
    found = settings("memory://")
    store = open_store(found.root)
    assert isinstance(store, ObjectStore)
    assert isinstance(make_leases(found, store, SystemClock(), None), ObjectLeases)
    demand_leases(store, found.root)


def test_objects_that_cannot_be_changed_under_a_condition_are_refused(tmp_path: Path) -> None:
    root = ObjectUrl(tmp_path.as_uri())
    with pytest.raises(RootUnusable, match=str(tmp_path)):
        demand_leases(open_store(root), root)


def test_a_tree_is_made_in_a_new_place_but_not_below_a_mount_that_may_be_lost(tmp_path: Path) -> None:
    assert may_be_new(ObjectUrl("s3://b"), shared=True)
    (tmp_path / "full").touch()
    assert may_be_new(tmp_path / "a", shared=True)
    assert may_be_new(tmp_path / "a/b", shared=False)
    assert not may_be_new(tmp_path / "a/b", shared=True)


def test_a_root_is_read_as_the_setting_is() -> None:
    assert parse_root("s3://b/c") == ObjectUrl("s3://b/c")
    assert parse_root("a/b") == Path("a/b")
    with pytest.raises(UsageError, match="ftp://b"):
        parse_root("ftp://b")


def test_secrets_are_the_token_and_what_an_object_store_needs() -> None:
    environ = {
        "AWS_SECRET_ACCESS_KEY": "secret-access-key",
        "AWS_SESSION_TOKEN": "session-token",
        "AZURE_STORAGE_ACCOUNT_KEY": "account-key",
        "GOOGLE_SERVICE_ACCOUNT_KEY": "service-key",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AZURE_STORAGE_KEY": "short",
        "PATH": "/usr/bin:/bin",
    }
    found = secrets_of(settings("/x", GITHUB_TOKEN="github-token"), environ)
    assert sorted(found) == ["account-key", "github-token", "secret-access-key", "service-key", "session-token"]
