"""Conditional writes to an object store: an object is made only where there is none, changed only as it was read."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from panini_daemon.storage.errors import NotFound, RootUnusable
from panini_daemon.storage.names import OWN_PREFIX
from panini_daemon.storage.object_connection import Client, Meta
from panini_daemon.storage.object_errors import mapped


@dataclass(frozen=True, slots=True)
class Version:
    """What tells one content of an object from the next; a server goes by the one or the other."""

    e_tag: str | None
    version: str | None

    def mode(self) -> dict[str, str]:
        """Return the condition that the object is still this."""
        both = {"e_tag": self.e_tag, "version": self.version}
        return {name: value for name, value in both.items() if value}


_NO_OBJECT_IS_THIS = Version('"00000000000000000000000000000000"', "1")


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it: `tag` changes with its content, `size` is in bytes."""

    tag: str
    size: int


class Versions:
    """The objects of a client, written only under conditions; `name` is what messages call it.

    All of it may raise what `mapped` does, and writes RootUnusable.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name

    def create(self, path: str, data: bytes) -> Version | None:
        """Write an object where there is none; None where there is one."""
        return self._put(path, data, "create")

    def update(self, path: str, data: bytes, version: Version) -> Version | None:
        """Write an object that is still `version`; None where it is another, or gone."""
        return self._put(path, data, version.mode())

    def read(self, path: str) -> tuple[bytes, Version] | None:
        """Return an object's content and version, None where it is not there."""
        try:
            with mapped(path):
                found = self._client.get(path)
                return bytes(found.bytes()), _version(found.meta)
        except NotFound:
            return None

    def list(self, folder: str) -> dict[str, Listed]:
        """Return the objects right below a folder by name."""
        with mapped(folder):
            found = self._client.list_with_delimiter(folder)["objects"]
        return {
            name: Listed(tag_of(meta), meta["size"])
            for meta in found
            if (name := meta["path"].rpartition("/")[2]) and meta["path"] != folder
        }

    def delete(self, paths: Iterable[str]) -> None:
        """Delete objects whatever they are; an absent one is no error."""
        for path in paths:
            try:
                with mapped(path):
                    self._client.delete(path)
            except NotFound:
                continue

    def demand_conditions(self, folder: str) -> None:
        """Try out whether the server obeys conditions, on an object of its own in `folder`.

        Costs three writes and a deletion. Raises RootUnusable where it does not.
        """
        path = f"{folder}/{OWN_PREFIX}-probe-{secrets.token_hex(8)}"
        try:
            self.create(path, b"first")
            if self.create(path, b"second") is not None:
                raise _lacking(self._name, "made an object that was there already (it ignores If-None-Match)")
            if self.update(path, b"third", _NO_OBJECT_IS_THIS) is not None:
                raise _lacking(self._name, "overwrote an object that was another (it ignores If-Match)")
        finally:
            self.delete([path])

    def _put(self, path: str, data: bytes, mode: str | dict[str, str]) -> Version | None:
        from obstore.exceptions import (  # noqa: PLC0415  there is a client, so the package is there
            AlreadyExistsError,
            NotSupportedError,
            PreconditionError,
        )

        with mapped(path):
            try:
                return _version(self._client.put(path, data, mode=mode, use_multipart=False))
            except (AlreadyExistsError, PreconditionError):
                return None
            except (NotSupportedError, NotImplementedError) as error:
                raise _lacking(self._name, "cannot write under a condition") from error


def tag_of(meta: Meta | Version) -> str:
    """Return what changes with an object's content, however a listing or an answer writes it."""
    if isinstance(meta, Version):
        return (meta.e_tag or meta.version or "").strip('"')
    return str(meta["e_tag"] or meta["last_modified"]).strip('"')


def _version(meta: Meta) -> Version:
    return Version(meta["e_tag"], meta["version"])


def _lacking(name: str, found: str) -> RootUnusable:
    return RootUnusable(
        f"{name}: the server {found}; leases need conditional writes. Use a server that has them, as Amazon S3, Google "
        "Cloud Storage and Azure Blob Storage do; or mount the bucket, for example with `rclone mount`, and give the "
        "folder as root"
    )
