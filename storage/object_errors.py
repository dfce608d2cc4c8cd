"""What an object store's error means to the user: one table, by the class that obstore raises."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from panini_daemon.storage.errors import (
    NotFound,
    RootUnusable,
    StorageError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)

_GONE = (StoreUnavailable, "check the network and the server; the operation is tried again")
_CLOSED = (
    StoreReadOnly,
    "check the credentials in the environment; they must allow to list the bucket and to get, put and delete objects",
)
_MEANING: dict[str, tuple[type[StorageError], str]] = {
    "FileNotFoundError": (NotFound, "check the name, or wait if it is still arriving"),
    "NotFoundError": (NotFound, "check the name, or wait if it is still arriving"),
    "PermissionDeniedError": _CLOSED,
    "UnauthenticatedError": _CLOSED,
    "InvalidPathError": (UnsafeName, "rename it"),
    "ValueError": (UnsafeName, "rename it"),
    "PreconditionError": (StoreUnavailable, "the object changed meanwhile; the operation is tried again"),
}

_TELLTALES: tuple[tuple[re.Pattern[str], tuple[type[StorageError], str]], ...] = (
    (re.compile(r"NoSuchBucket|ContainerNotFound|bucket does not exist"), (StoreUnavailable, "create the bucket")),
    (re.compile(r"\b507\b|QuotaExceeded|StorageFull|InsufficientStorage"), (StoreFull, "free space or quota")),
    (
        re.compile(r"\b501\b|NotImplemented"),
        (RootUnusable, "use a server whose writes can be conditional, or mount the bucket and give the folder as root"),
    ),
    (
        re.compile(r"169\.254\.169\.254|metadata\.google\.internal"),
        (StoreUnavailable, "no credentials are in the environment: set them, such as AWS_ACCESS_KEY_ID"),
    ),
)
"""What the text says where the class says too little."""

_QUERY = re.compile(r"(https?://[^\s?]*)\?\S*")
_LONGEST = 400


@contextmanager
def mapped(path: str) -> Iterator[None]:
    """Turn what obstore raises in the block into the storage error that it means for `path`.

    Other errors, such as those of a local file that is being uploaded, pass.
    """
    from obstore.exceptions import BaseError  # noqa: PLC0415  there is a client, so the package is there

    try:
        yield
    except (BaseError, FileNotFoundError, ValueError) as error:
        raise object_error(error, path) from error


def object_error(error: Exception, path: str) -> StorageError:
    """Return the storage error that `error` on `path` means, with what to do about it.

    An error that is not in the table counts as an outage: it is tried again and never taken for absence. Only the
    first line is told, and no query of a URL, which may hold a signature.
    """
    text = str(error)
    told = _QUERY.sub(r"\1?...", text.partition("\n\nDebug source")[0]).replace("\n", " ").strip()[:_LONGEST]
    kind, remedy = next((meaning for pattern, meaning in _TELLTALES if pattern.search(text)), _GONE)
    if (kind, remedy) == _GONE:
        kind, remedy = _MEANING.get(type(error).__name__, _GONE)
    return kind(f"{path or 'the root'}: {told}; {remedy}")
