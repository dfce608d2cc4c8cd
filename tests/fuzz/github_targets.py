"""What GitHub, Git LFS servers and whoever writes to the repository may send."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from fakes.deliveries import CHUNKS, sha
from fakes.memory_store import MemoryStore

from fuzz import github_answers as answers
from fuzz.target import Target, raw
from fuzz.wire import Wire, answer
from panini_daemon.storage.chunk_state import COMPLETED, Change
from panini_daemon.storage.errors import StorageError
from panini_daemon.storage.github.book_ref import BookRef, Reading
from panini_daemon.storage.github.errors import GithubError, GithubMissing, GithubRefused
from panini_daemon.storage.github.head import Folder, Head
from panini_daemon.storage.github.lease_book import Book, format_book, parse_book
from panini_daemon.storage.github.leases import GithubLeases
from panini_daemon.storage.github.lfs import Link, Pointer, parse_pointer, read_batch
from panini_daemon.storage.github.listing import Trees
from panini_daemon.storage.github.metadata_update import Updated, update_metadata
from panini_daemon.storage.github.source import GithubSource
from panini_daemon.storage.github.texts import blob_id, read_texts, text_queries
from panini_daemon.storage.github.transport import Broken
from panini_daemon.storage.jobs import Poll

_GROUP = "github"
_LIMITED = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1714979999"}


def github_targets() -> Iterator[Target]:
    """Yield the targets."""
    yield _target("pointer", lambda: [answers.POINTER.encode()], parse_pointer, (Pointer, type(None)), (), raw)
    yield _target(
        "batch", lambda: _texts(answers.batch()), _read_batch, (Link,), (GithubRefused, GithubMissing, Broken)
    )
    yield _target("book", lambda: _texts(answers.BOOK), _read_book, (Book,), (GithubRefused,))
    yield _wired("head", answers.ref(), lambda wire: Head(wire.client, None).look(), (str,))
    yield _wired(
        "folder", answers.folder(), lambda wire: Folder(wire.client, "a/b").find(answers.COMMIT), (str, type(None))
    )
    yield _wired("trees", answers.listing(), _list, (bool,))
    yield _wired("graphql", answers.graphql(), _query, (dict,))
    yield _wired("book_ref", answers.book_ref(), lambda wire: BookRef(wire.client).read(), (Reading,))
    yield _wired("leases", answers.book_ref(), _lease, (str,), share=0.3)
    yield _wired("metadata", answers.branch(), _update, (Updated,), share=0.5)
    yield _wired("source", answers.repository(), _look, (Poll,), raises=(StorageError,), share=0.3)
    yield _wired("blob", answers.blob(), lambda wire: wire.downloader.read(blob_id(b"data"), limit=100), (bytes,))
    yield _wired("lfs", answers.lfs(), _download, (int,), share=0.5)


def _target(
    name: str,
    seeds: Callable[[], list[bytes]],
    run: Callable[[bytes], object],
    returns: tuple[type, ...],
    raises: tuple[type[Exception], ...],
    *mutate: Callable[..., bytes],
) -> Target:
    return Target(f"github.{name}", _GROUP, seeds, lambda: run, returns, raises, *mutate)


def _wired(
    name: str,
    told: dict[str, object],
    ask: Callable[[Wire], object],
    returns: tuple[type, ...],
    *,
    raises: tuple[type[Exception], ...] = (GithubError,),
    share: float = 1.0,
) -> Target:
    def run(case: bytes) -> object:
        wire = Wire(case)
        try:
            return ask(wire)
        finally:
            wire.client.close()
            wire.downloader.close()

    limited = {
        **told,
        "": answer({"message": "API rate limit exceeded"}, 403, **_LIMITED),
    }
    first, *_ = told
    refused = {**told, first: answer({"message": "API rate limit exceeded"}, 403, **_LIMITED)}
    moved = {**told, first: answer("", 302, location=f"/moved{answers.path_of(first)}")}
    odd = answer("x" * 9, 200, **{**_LIMITED, "x-ratelimit-limit": "9", "retry-after": "5"})
    return Target(
        f"github.{name}",
        _GROUP,
        lambda: _texts(told, limited, {**told, "": odd}, refused, moved),
        lambda: run,
        returns,
        raises,
        share=share,
    )


def _texts(*values: object) -> list[bytes]:
    return [json.dumps(value).encode() for value in values]


def _read_batch(case: bytes) -> object:
    link = read_batch(case, Pointer(sha(CHUNKS[0]), len(CHUNKS[0])), https=True)
    assert isinstance(link.url, str)
    assert link.url.lower().startswith("https:")
    assert isinstance(link.secret, dict)
    return link


def _read_book(case: bytes) -> object:
    book = parse_book(case)
    format_book(book).encode()
    return book


def _list(wire: Wire) -> object:
    trees = Trees(wire.client, clock=wire.clock)
    return trees.list_all(answers.trees_of(answers.files_of_a_tree())[0], 20)


def _query(wire: Wire) -> object:
    return read_texts(text_queries(wire.client, clock=wire.clock), {blob_id(data): len(data) for data in answers.TEXTS})


def _lease(wire: Wire) -> object:
    leases = GithubLeases(
        wire.client,
        "w1",
        clock=wire.clock,
        nonce=lambda: "p",
        outcome_of=lambda _: None,
        pending=lambda _: True,
        jitter=random.Random(1),
        sleep=wire.clock.advance,
    )
    leases.request("job-1")
    leases.request("job-9")
    leases.turn()
    wire.clock.advance(400)
    leases.turn()
    leases.holder("job-1")
    return leases.state("job-9").value


def _update(wire: Wire) -> object:
    changes = {
        "a/chunk_0000": Change(COMPLETED, "x", "0" * 64, {}),
        "a/chunk_0001": Change(COMPLETED, "x", "0" * 64, {}),
    }
    return update_metadata(
        wire.client, changes, ref="main", sleep=wire.clock.advance, jitter=random.Random(1), attempts=2
    )


def _look(wire: Wire) -> object:
    source = GithubSource(
        wire.client,
        wire.downloader,
        MemoryStore(),
        ref=None,
        path="",
        clock=wire.clock,
        committed=lambda *_: False,
        settled=tuple,
        is_settled=lambda _: False,
        graphql=False,
    )
    for _ in range(4):
        if not source.look():
            break
    poll = source.poll()
    for job in poll.ready:
        with TemporaryDirectory(prefix="panini-fuzz-") as folder:
            for chunk in job.chunks[:2]:
                source.fetch(chunk, Path(folder) / "chunk")
    return poll


def _download(wire: Wire) -> object:
    with TemporaryDirectory(prefix="panini-fuzz-") as folder:
        return wire.downloader.lfs(Pointer(sha(CHUNKS[1]), len(CHUNKS[1])), Path(folder) / "chunk").size
