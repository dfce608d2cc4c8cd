"""Real daemon processes on a repository over real HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.daemon_process import Site
from fakes.github.faults import SecondaryLimit, Status
from fakes.github.server import FakeGithub
from fakes.repository_files import FOLDER, chunk_tree

TEXT = b"To be, or not to be, that is the question.\n" * 50

MakeSite = Callable[..., Site]

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeGithub]:
    with FakeGithub(tmp_path) as made:
        made.commit({"README.md": b"# Archive\n"})
        yield made


@pytest.fixture
def make_site(tmp_path: Path, hub: FakeGithub) -> Iterator[MakeSite]:
    made: list[Site] = []

    def make(name: str = "site", **settings: str) -> Site:
        folder = tmp_path / name
        folder.mkdir()
        site = Site(folder, github_repo="someone/archive", github_url=hub.url, github_poll="300ms", **settings)
        site.environment = {"GITHUB_TOKEN": hub.token}
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


def outputs(site: Site, *more: str) -> dict[str, bytes]:
    files = {str(path): path.read_bytes() for path in site.folder.rglob("*") if path.is_file()}
    return {**files, **{f"text {number}": text.encode() for number, text in enumerate(more)}}


def test_what_is_pushed_is_committed_and_told(hub: FakeGithub, make_site: MakeSite) -> None:
    site = make_site()
    daemon = site.start_idle()
    data = [TEXT, b"\x89PNG\r\n", b""]
    hub.commit(chunk_tree("letters/à côté.txt", data, grammar_id="text_generic"))
    daemon.wait_until(lambda: hub.dispatches, "the dispatch")
    daemon.stop()
    assert site.restored("letters/à côté.txt") == b"".join(data)
    ((event, payload),) = hub.dispatches
    assert event == "chunk_compressed"
    assert payload["chunk_path"] == f"{FOLDER}/letters/à côté.txt/chunk_0000"
    assert [payload["status"], *(one["status"] for one in payload["more"])] == ["completed"] * 3
    recipe = json.loads((site.root / payload["upload_path"]).with_name("recipe.json").read_text())
    assert payload["upload_hash"] == recipe["payload_hash"]
    assert recipe["source"]["commit"] == hub.head()
    assert not list((site.root / "reports").glob("*.json"))
    site.assert_nothing_left()


def test_the_token_is_in_no_output(hub: FakeGithub, make_site: MakeSite) -> None:
    hub.token = token = "s3cret-t0ken-of-no-known-shape"
    hub.tokens = {token}
    site = make_site(log_level="debug", github_leases="github", github_commit_status="true", github_metadata="true")
    hub.commit(
        chunk_tree("good.txt", [TEXT]) | chunk_tree("bad.txt", [TEXT]) | {f"{FOLDER}/bad.txt/chunk_0000/data.bin": b"x"}
    )
    daemon = site.start()
    daemon.wait_until(lambda: hub.statuses, "the commit status")
    hub.revoke()
    hub.commit(chunk_tree("late.txt", [TEXT]))
    daemon.wait_for_text("github_waiting")
    daemon.stop()
    listing = subprocess.run(
        [sys.executable, "-m", "panini_daemon", "config", "--root", str(site.root)],
        env={**os.environ, "GITHUB_TOKEN": token, "GITHUB_REPO": "someone/archive"},
        capture_output=True,
        text=True,
        check=True,
        cwd=site.folder,
    )
    assert hub.statuses
    for name, content in outputs(site, daemon.out, daemon.err, listing.stdout, listing.stderr).items():
        assert token.encode() not in content, name


def test_a_run_that_is_to_end_waits_for_the_repository_and_reports(hub: FakeGithub, make_site: MakeSite) -> None:
    hub.commit(chunk_tree("a.txt", [TEXT, TEXT[:7]]))
    site = make_site()
    daemon = site.run_once()
    assert daemon.wait() == 0, daemon.err
    assert site.restored("a.txt") == TEXT + TEXT[:7]
    assert len(hub.dispatches) == 1
    again = site.run_once()
    assert again.wait() == 0
    assert len(hub.dispatches) == 1


def test_a_repository_that_is_not_there_ends_a_run_with_the_reason(hub: FakeGithub, make_site: MakeSite) -> None:
    site = make_site()
    site.submit("near.txt", TEXT)
    daemon = site.run_once(github_repo="someone/else")
    assert daemon.wait() == 1
    assert "someone/else" in daemon.err.splitlines()[-1]
    assert site.restored("near.txt") == TEXT


def test_the_inbox_is_served_while_github_limits_the_token(hub: FakeGithub, make_site: MakeSite) -> None:
    site = make_site()
    hub.faults.add("GET *", SecondaryLimit(retry_after=600), times=None)
    daemon = site.start(worker="w1")
    daemon.wait_for_text("github_waiting")
    site.submit("near.txt", TEXT)
    daemon.wait_until(lambda: list((site.root / "done").glob("near*")), "the inbox's job")
    daemon.wait_until(lambda: site.status().get("github", {}).get("state") == "waiting", "the status")
    told = site.status()["github"]
    assert told["next_try"] > site.status()["updated_at"]
    assert "Retry-After" in told["problem"]
    daemon.stop()
    assert len([event for event in site.events() if event["event"] == "github_waiting"]) == 1


def test_a_report_that_cannot_be_sent_is_sent_by_the_next_start(hub: FakeGithub, make_site: MakeSite) -> None:
    site = make_site()
    hub.commit(chunk_tree("a.txt", [TEXT]))
    hub.faults.add("POST */dispatches", Status(503), times=None)
    assert site.run_once().wait() == 0
    assert len(list((site.root / "reports").glob("*.json"))) == 1
    hub.faults.clear()
    assert site.run_once().wait() == 0
    assert len(hub.dispatches) == 1
    assert not list((site.root / "reports").glob("*.json"))


def test_workers_on_two_roots_share_a_repository_without_doing_a_chunk_twice(
    hub: FakeGithub, make_site: MakeSite
) -> None:
    files: dict[str, bytes] = {}
    for number in range(60):
        files |= chunk_tree(f"file-{number:02d}.txt", [TEXT + bytes([number]) * 5, TEXT[:number], b"x"])
    sites = [make_site(name, github_leases="github") for name in ("one", "two")]
    daemons = [site.start_idle(worker=worker) for site, worker in zip(sites, ("w1", "w2"), strict=True)]
    hub.commit(files)

    def done(site: Site) -> list[str]:
        return [path.name for path in (site.root / "done").glob("*.json")]

    daemons[0].wait_until(lambda: len({*done(sites[0]), *done(sites[1])}) == 60, "all jobs")
    for daemon in daemons:
        daemon.stop()
    chunks = [
        path.relative_to(site.root) for site in sites for path in site.root.glob("compressed_chunks/*/*/recipe.json")
    ]
    assert len(chunks) == len(set(chunks)) == 180
    assert all(done(site) for site in sites)
