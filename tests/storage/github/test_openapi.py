"""All that is sent to GitHub fits GitHub's own description of its APIs, says a validator that is not of this project.

So does what the fake GitHub answers, on which the other tests rely.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.deliveries import CHUNKS, write_tree
from fakes.github.commits import Tag
from fakes.lease_hub import LeaseHub
from fakes.memory_store import MemoryStore
from fakes.openapi import Missing, Prism, check_queries, install
from fakes.openapi_description import Description
from fakes.report_scene import Scene, completed, failed, job
from fakes.tree_queries import answer_trees
from fakes.validating_proxy import Exchange, ValidatingProxy

from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.errors import GithubError
from panini_daemon.storage.github.source import GithubSource

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).resolve().parents[3] / "storage" / "github"
ENDPOINT = re.compile(r'["}](/(?:git/|contents/|commits/|dispatches|statuses/)[^"]*)"')
FOLDER = "pending_compression"
LARGE = b"what Git LFS keeps"
OPERATIONS = {
    "GET /",
    "GET /contents/{path}",
    "GET /git/blobs/{file_sha}",
    "GET /git/commits/{commit_sha}",
    "GET /git/ref/{ref}",
    "GET /git/tags/{tag_sha}",
    "GET /git/trees/{tree_sha}",
    "PATCH /git/refs/{ref}",
    "POST /dispatches",
    "POST /git/commits",
    "POST /git/refs",
    "POST /git/trees",
    "POST /statuses/{sha}",
}


@pytest.fixture(scope="session")
def installed() -> Path:
    try:
        return install()
    except Missing as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"GitHub's descriptions and their validators cannot be installed: {error}")


@pytest.fixture(scope="session")
def description(installed: Path) -> Description:
    return Description(installed)


@pytest.fixture(scope="session")
def prism(installed: Path, description: Description, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    folder = tmp_path_factory.mktemp("prism")
    with Prism(installed, description.write(folder / "github.json"), folder / "prism.log") as running:
        yield running


@pytest.fixture(scope="session")
def traffic(prism: Prism, description: Description, tmp_path_factory: pytest.TempPathFactory) -> "Traffic":
    return Traffic(tmp_path_factory.mktemp("traffic"), prism, description)


class Traffic:
    """What is sent, and answered, in the course of all that the project does with a repository."""

    def __init__(self, folder: Path, prism: Prism, description: Description) -> None:
        self.exchanges: list[Exchange] = []
        self.queries: list[str] = []
        for number, act in enumerate((look, report, lease)):
            (folder / str(number)).mkdir()
            scene: Any = LeaseHub(folder / str(number)) if act is lease else Scene(folder / str(number))
            try:
                with pytest.MonkeyPatch.context() as patch, ValidatingProxy(prism, description, scene.hub) as proxy:
                    answer_trees(patch)
                    act(scene)
            finally:
                scene.close()
            self.exchanges += proxy.exchanges
            self.queries += proxy.queries

    def violations(self, side: str) -> list[str]:
        return sorted({text for exchange in self.exchanges for text in exchange.violations(side)})


def chunk_trees(*bases: str) -> dict[str, bytes]:
    store = MemoryStore()
    for base in bases:
        write_tree(store, f"{FOLDER}/{base}", (base.encode(), CHUNKS[1], LARGE))
    return dict(store.files)


def look(scene: Scene) -> None:
    """Find jobs at a branch and at a tag, with GraphQL and without, in listings that are cut, and fetch all chunks."""
    hub = scene.hub
    oid = hashlib.sha256(LARGE).hexdigest()
    hub.lfs[oid] = LARGE
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(LARGE)}\n"
    files = chunk_trees("a b/ü#?.png", "b", "c", "d", "e")
    commit = hub.commit(files | {f"{FOLDER}/e/chunk_0002/data.bin": pointer.encode()})
    tag = Tag(commit, "commit", "v1", hub.git.person(scene.clock.now()), "The first\n")
    hub.git.refs.set("refs/tags/v1", hub.git.objects.put("tag", tag.format()))
    hub.tree_limit = 6
    for options in ({"ref": None, "path": FOLDER, "graphql": True}, {"ref": "v1", "path": "", "graphql": False}):
        client = scene.client()
        downloader = Downloader(
            client.repository, hub.token, gate=client.gate, requests=client.requests, clock=scene.clock, timeout=10.0
        )
        source = GithubSource(
            client,
            downloader,
            scene.store,
            clock=scene.clock,
            committed=lambda *_: False,
            settled=list,
            is_settled=lambda _: False,
            **options,
        )
        while source.look():
            pass
        source.look()
        jobs = source.poll().ready
        assert len(jobs) == 5
        for chunk in (chunk for found in jobs for chunk in found.chunks):
            source.fetch(chunk, hub.git.folder / "fetched")
        downloader.close()


def report(scene: Scene) -> None:
    """Tell that chunks of one job are done and failed, by all the ways there are."""
    commit = scene.hub.commit(chunk_trees("a", "b"))
    outbox = scene.outbox()
    chunks = [completed(f"a/chunk_{number:04d}") for number in range(2)]
    outbox.add(job("j1", *chunks, failed("b/chunk_0000"), commit=commit))
    for mode in ("chunk", "batch"):
        reporter = scene.reporter(outbox, mode=mode, commit_status=True, metadata=True)
        reporter.send_due()
        outbox.add(job("j2", *chunks, commit=commit))
    assert not scene.told
    assert len(scene.hub.dispatches) == 4
    assert scene.hub.statuses
    scene.hub.tree_limit = 5
    outbox.add(job("j3", completed("b/chunk_0001"), commit=commit))
    scene.reporter(outbox, metadata=True, ref="main").send_due()
    assert b"completed" in scene.hub.read(f"{FOLDER}/b/chunk_0001/metadata.json")


def lease(scene: LeaseHub) -> None:
    """Claim, renew and end leases, against others and with a book too large for the contents API."""
    one, two = scene.worker("one"), scene.worker("two")
    one.claim("j1")
    two.on("PATCH", lambda: one.claim("j2"))
    two.claim("j1", "j3")
    assert one.leases.held("j1")
    assert one.leases.held("j2")
    assert two.leases.held("j3")
    scene.advance(400)
    one.leases.turn()
    scene.hub.contents_json_limit = 10
    two.leases.turn()
    one.outcomes["j1"] = "done"
    one.leases.release("j1")
    one.leases.turn()
    assert scene.book().over.keys() == {"j1"}


def test_every_request_fits_the_description(traffic: Traffic) -> None:
    assert traffic.violations("request") == []


def test_every_answer_of_the_fake_fits_the_description(traffic: Traffic) -> None:
    assert traffic.violations("response") == []


def test_every_kind_of_request_was_seen(traffic: Traffic) -> None:
    assert {exchange.name for exchange in traffic.exchanges} == OPERATIONS
    assert {exchange.media_types for exchange in traffic.exchanges if exchange.name.startswith("GET /git/blobs")} == {
        frozenset({"application/vnd.github+json"}),
        frozenset({"application/vnd.github.raw+json"}),
    }
    assert {exchange.parameters for exchange in traffic.exchanges if exchange.parameters} == {
        frozenset({"recursive"}),
        frozenset({"ref"}),
    }
    assert {exchange.status for exchange in traffic.exchanges} >= {200, 201, 204, 304, 404, 422}


def test_every_path_that_the_sources_name_was_seen(traffic: Traffic) -> None:
    paths = {exchange.path for exchange in traffic.exchanges}
    named = {path for file in SOURCES.glob("*.py") for path in ENDPOINT.findall(file.read_text("utf-8"))}
    assert len(named) >= 10
    patterns = [".+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", path)) for path in named]
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in paths)] == []


def test_every_query_fits_the_schema(traffic: Traffic, installed: Path) -> None:
    assert any("on Blob" in query for query in traffic.queries)
    assert any("on Tree" in query for query in traffic.queries)
    assert check_queries(installed, traffic.queries) == []


def test_a_wrong_query_is_reported(installed: Path) -> None:
    query = 'query { repository(owner: "x", name: "x") { object(oid: "x") { ... on Blob { colour } } } }'
    assert ["colour" in text for text in check_queries(installed, [query])] == [True]


@pytest.mark.parametrize(
    ("verb", "path", "body", "words"),
    [
        ("POST", "/git/trees", {}, "must have required property 'tree'"),
        ("POST", "/git/trees", {"tree": [{"path": "a", "mode": "644"}]}, "tree.0.mode"),
        ("POST", "/git/trees", {"tree": [], "basetree": "x"}, "additional properties; found 'basetree'"),
        ("POST", "/git/commits", {"message": 1, "tree": "x"}, "message must be string"),
        ("POST", "/git/refs", {"ref": "refs/heads/a"}, "must have required property 'sha'"),
        ("PATCH", "/git/refs/heads/main", {"sha": "x", "force": "no"}, "force must be boolean"),
        ("POST", "/dispatches", {"event_type": "x" * 101}, "event_type must NOT have more than 100 characters"),
        ("POST", "/statuses/main", {"state": "done"}, "state must be equal to one of the allowed values"),
        ("GET", "/git/trees/main?recurse=1", None, "recurse is not described"),
        ("GET", "/git/tree/main", None, "route not found"),
        ("DELETE", "/git/trees/main", None, "route not found"),
    ],
)
def test_a_wrong_request_is_reported(
    tmp_path: Path, prism: Prism, description: Description, verb: str, path: str, body: Any, words: str
) -> None:
    scene = Scene(tmp_path)
    try:
        scene.hub.commit({"a": b"a"})
        with ValidatingProxy(prism, description, scene.hub) as proxy:
            client = scene.client()
            try:
                if verb == "GET":
                    client.get("test", path)
                else:
                    client.send("test", verb, path, body)
            except GithubError:
                pass
        assert words in "\n".join(text for exchange in proxy.exchanges for text in exchange.violations("request"))
    finally:
        scene.close()
