"""A client of an object store in memory, whose answers can be lost, and which counts what it is asked."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from panini_daemon.storage.object_connection import Client, connect

CHANGES = {"put", "delete", "copy"}


class ObjectClient:
    """Passes everything on to `inner`. `before` and `after` are called around each effect, and may let time pass.

    Set `outage` to an error to have every operation raise it; with `lands`, changes have their effect all the same.
    `operations` lists what was asked for, as (operation, path).
    """

    def __init__(
        self,
        inner: Client | None = None,
        *,
        before: Callable[[], None] = lambda: None,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self.inner = inner or connect("memory:///", {})
        self._before, self._after = before, after
        self.outage: Exception | None = None
        self.lands = False
        self.operations: list[tuple[str, str]] = []
        self._ordered: list[tuple[str, str, Exception]] = []

    def fail(self, error: Exception, operation: str, path: str) -> None:
        """Let one operation raise `error`, before anything changed."""
        self._ordered.append((operation, path, error))

    def count(self) -> dict[str, int]:
        """Return how often each operation was asked for since the last count."""
        counted = Counter(operation for operation, _ in self.operations)
        self.operations.clear()
        return dict(counted)

    def put(self, path: str, file: Any, **options: Any) -> Any:
        return self._do("put", path, lambda: self.inner.put(path, file, **options))

    def get(self, path: str, *, options: Any = None) -> Any:
        return self._do("get", path, lambda: self.inner.get(path, options=options))

    def head(self, path: str) -> Any:
        return self._do("head", path, lambda: self.inner.head(path))

    def list(self, prefix: str | None = None, *, chunk_size: int = 50) -> Iterator[Sequence[Any]]:
        return self._do("list", prefix or "", lambda: iter(list(self.inner.list(prefix, chunk_size=chunk_size))))  # type: ignore[no-any-return]

    def list_with_delimiter(self, prefix: str | None = None) -> Any:
        return self._do("list", prefix or "", lambda: self.inner.list_with_delimiter(prefix))

    def delete(self, paths: str | Sequence[str]) -> None:
        path = paths if isinstance(paths, str) else " ".join(paths)
        self._do("delete", path, lambda: self.inner.delete(paths))

    def copy(self, from_: str, to: str, *, overwrite: bool = True) -> None:
        self._do("copy", from_, lambda: self.inner.copy(from_, to, overwrite=overwrite))

    def _do(self, operation: str, path: str, act: Callable[[], Any]) -> Any:
        self.operations.append((operation, path))
        self._before()
        for order in self._ordered:
            if order[:2] == (operation, path):
                self._ordered.remove(order)
                raise order[2]
        if self.outage is not None and not (self.lands and operation in CHANGES):
            raise self.outage
        result = act()
        self._after()
        if self.outage is not None:
            raise self.outage
        return result
