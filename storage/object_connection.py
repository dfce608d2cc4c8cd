"""The connection to an object store: made from a URL, with bounded waits, by a package that need not be there."""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, BinaryIO, Protocol

from panini_daemon.storage.errors import RootUnusable

EXTRA = "panini-daemon[objects]"
"""What has to be installed for it."""

_CLIENT = {"connect_timeout": timedelta(seconds=5), "timeout": timedelta(seconds=30)}
_RETRIES = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=5), "base": 2},
}
_ENDPOINT = re.compile(r"(AWS|AZURE|GOOGLE)_\w*(ENDPOINT|URL)\w*")

Meta = Mapping[str, Any]
"""What an object store tells of an object: `path`, `size`, `e_tag`, `version`, `last_modified`."""


class Client(Protocol):
    """As much of an obstore store as is used here. Paths are relative to the URL's prefix."""

    def put(self, path: str, file: bytes | BinaryIO, **options: Any) -> Meta:
        """Write one object, whole or not at all."""

    def get(self, path: str, *, options: Any = None) -> Any:
        """Return an object, or with `range` a part of it, whose bytes are read from the answer."""

    def head(self, path: str) -> Meta:
        """Tell what is known of an object."""

    def list(self, prefix: str | None = None, *, chunk_size: int = 50) -> Iterator[Sequence[Meta]]:
        """List all objects below a prefix, page by page."""

    def list_with_delimiter(self, prefix: str | None = None) -> Mapping[str, Any]:
        """List the objects right below a prefix, and the prefixes there."""

    def delete(self, paths: str | Sequence[str]) -> None:
        """Delete objects; an absent one is an error in some stores and none in others."""

    def copy(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        """Copy an object within the store."""


def connect(url: str, environ: Mapping[str, str]) -> Client:
    """Return a client for a URL that `obstore.store.from_url` takes; credentials are read from the environment.

    A request is given up after half a minute, and tried again for half a minute at most. Without TLS only where the
    endpoint in the environment says http. Nothing is asked of the server yet. Raises RootUnusable.
    """
    try:
        module = importlib.import_module("obstore.store")
        base_error: type[Exception] = importlib.import_module("obstore.exceptions").BaseError
    except ImportError as error:
        raise RootUnusable(
            f"{url} is in an object store, which needs the package obstore ({error}); install it with "
            f"`pip install '{EXTRA}'`"
        ) from error
    options: dict[str, Any] = {}
    if url.startswith("file:"):
        options = {"mkdir": True, "automatic_cleanup": True}
    elif not url.startswith("memory:"):
        plain = any(value.startswith("http://") for name, value in environ.items() if _ENDPOINT.fullmatch(name))
        options = {"client_options": {**_CLIENT, "allow_http": plain}, "retry_config": _RETRIES}
    try:
        client: Client = module.from_url(url, **options)
    except base_error as error:
        text = str(error).partition("\n")[0]
        raise RootUnusable(f"{url} cannot be opened: {text}; correct the URL or the environment") from error
    return client
