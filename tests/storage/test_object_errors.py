"""What the errors of an object store mean, and what their messages say."""

import sys

import pytest
from fakes.s3_server import SECRET, S3Server
from obstore import exceptions

from panini_daemon.storage.errors import (
    NotFound,
    RootUnusable,
    StorageError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.object_connection import connect
from panini_daemon.storage.object_errors import mapped
from panini_daemon.storage.object_store import ObjectStore


class Unreadable:
    """A local file on a failing disk."""

    def read(self, _size: int = -1) -> bytes:
        raise OSError(5, "the local disk fails")


def test_an_error_of_the_local_file_stays_what_it_is() -> None:
    with pytest.raises(OSError, match="the local disk fails"), mapped("inbox/a"):
        Unreadable().read()


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (FileNotFoundError("Object at location a not found"), NotFound, "check the name"),
        (exceptions.NotFoundError("x"), NotFound, "check the name"),
        (FileNotFoundError("404: <Code>NoSuchBucket</Code>"), StoreUnavailable, "create the bucket"),
        (exceptions.PermissionDeniedError("403"), StoreReadOnly, "credentials"),
        (exceptions.UnauthenticatedError("401"), StoreReadOnly, "credentials"),
        (exceptions.GenericError("HTTP error: error sending request"), StoreUnavailable, "tried again"),
        (exceptions.GenericError("status code: 507 Insufficient"), StoreFull, "free space"),
        (exceptions.GenericError("status code: 501: <Code>NotImplemented</Code>"), RootUnusable, "conditional"),
        (exceptions.GenericError("PUT http://169.254.169.254/latest/api/token"), StoreUnavailable, "AWS_ACCESS_KEY_ID"),
        (exceptions.PreconditionError("412"), StoreUnavailable, "changed meanwhile"),
        (exceptions.JoinError("task"), StoreUnavailable, "tried again"),
        (ValueError("Could not parse path"), UnsafeName, "rename"),
    ],
)
def test_each_error_means_one_thing_and_says_what_to_do(error: Exception, kind: type[StorageError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught, mapped("inbox/a"):
        raise error
    assert type(caught.value) is kind
    assert "inbox/a" in str(caught.value)


def test_an_error_tells_no_signature_and_no_more_than_a_line() -> None:
    text = "Error performing GET https://x.blob.core.windows.net/c/a?sv=1&sig=SECRET%3D in 1ms\n\nDebug source:\nSECRET"
    with pytest.raises(StoreUnavailable) as caught, mapped("a"):
        raise exceptions.GenericError(text)
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "x.blob.core.windows.net/c/a?..." in str(caught.value)


def test_a_missing_package_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(RootUnusable, match=r"pip install 'panini-daemon\[objects\]'"):
        connect("s3://bucket/prefix", {})


def test_a_url_that_cannot_be_opened_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(RootUnusable, match="Account must be specified"):
        connect("az://account/container", {})


@pytest.mark.slow
def test_a_server_that_is_not_there_is_an_outage_after_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = S3Server("http://127.0.0.1:9").environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    store = ObjectStore(connect("s3://bucket/x", environment), "s3://bucket/x")
    with pytest.raises(StoreUnavailable, match="check the network") as caught:
        store.read("a")
    assert SECRET not in str(caught.value)


@pytest.mark.slow
def test_a_bucket_that_is_not_there_is_named(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    store = ObjectStore(connect("s3://absent/x", s3.environment), "s3://absent/x")
    for call in (lambda: store.write("inbox/a.json", b""), lambda: store.list("inbox"), lambda: store.read("a")):
        with pytest.raises(StoreUnavailable, match="create the bucket"):
            call()
