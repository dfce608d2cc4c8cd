"""What GitHub costs: requests, leases and downloads, measured over real HTTP against the fake server of the tests.

`python benchmarks/repository.py` prints

- the requests of an hour of idle polling, and how many of them count against the rate limit;
- the requests for 1,000 chunks in 100 files, from the push to the last report, by kind, by a real daemon;
- two daemons on two roots with leases in the repository, 500 chunks: how many each did and how many were done twice;
- the rate of downloading a blob of 100 MB against curl from the same server, in turn, and the memory it takes.
"""

import argparse
import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fakes.clock import FakeClock
from fakes.daemon_process import Site
from fakes.github.server import FakeGithub
from fakes.memory_store import MemoryStore
from fakes.repository_files import chunk_tree

from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.download import Downloader
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade
from panini_daemon.storage.github.source import GithubSource

BLOB = 100_000_000
PATIENCE = 1800.0
"""Seconds that a daemon may take on a machine that does other things, too."""


def main() -> None:
    """Run what the command line names, or everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cases = {"idle": idle, "chunks": chunks, "workers": workers, "download": download}
    parser.add_argument("cases", nargs="*", help=", ".join(cases))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        url, sha, target = arguments.one
        download_one(url, sha, Path(target))
        return
    for name in arguments.cases or cases:
        with tempfile.TemporaryDirectory() as folder, FakeGithub(Path(folder)) as hub:
            hub.commit({"README.md": b"# Archive\n"})
            cases[name](hub, Path(folder))


def idle(hub: FakeGithub, _: Path) -> None:
    """Poll for an hour at the default interval."""
    clock, requests = FakeClock(), RequestsMade()
    gate = Gate(clock, jitter=random.Random(1), sleep=clock.advance)
    repository = Repository(hub.owner, hub.repo, hub.url)
    client = Client(repository, hub.token, gate=gate, requests=requests)
    downloader = Downloader(repository, hub.token, gate=gate, requests=requests, clock=clock)
    source = GithubSource(
        client,
        downloader,
        MemoryStore(),
        ref=None,
        path="pending_compression",
        clock=clock,
        committed=lambda *_: False,
        settled=set,
        is_settled=lambda _: False,
    )
    hub.commit(chunk_tree("done.txt", [b"x"], status="completed"))
    source.look()
    before, used, end = len(hub.requests), hub.rate.used, clock.monotonic() + 3600
    while clock.monotonic() < end:
        source.look()
        clock.advance(30)
    print(f"idle hour: {len(hub.requests) - before} requests, {hub.rate.used - used} count against the rate limit")
    client.close()
    downloader.close()


def chunks(hub: FakeGithub, folder: Path) -> None:
    """Let a daemon do 1,000 chunks in 100 files."""
    with closing(make_site(folder, "one", hub)) as site:
        hub.commit(files(100, 10))
        start = time.perf_counter()
        site.start("run", "--once").wait(PATIENCE)
        seconds = time.perf_counter() - start
        tell("1,000 chunks in 100 files", hub, seconds)
        done = sum(1 for _ in site.root.glob("compressed_chunks/*/*/recipe.json"))
        told = sum(1 + len(payload.get("more", [])) for _, payload in hub.dispatches)
        print(f"  {done} chunks committed, {told} told in {len(hub.dispatches)} dispatches")


def workers(hub: FakeGithub, folder: Path) -> None:
    """Let two daemons on two roots share 500 chunks in 100 files."""
    with ExitStack() as stack:
        sites = [make_site(folder, name, hub, github_leases="github") for name in ("one", "two")]
        for site in sites:
            stack.enter_context(closing(site))
        daemons = [site.start_idle(worker=f"worker-{number}") for number, site in enumerate(sites)]
        start = time.perf_counter()
        hub.commit(files(100, 5))
        while sum(len(list((site.root / "done").glob("*.json"))) for site in sites) < 100:
            time.sleep(0.2)
        seconds = time.perf_counter() - start
        for daemon in daemons:
            daemon.stop()
    found = Counter(
        str(path.relative_to(site.root))
        for site in sites
        for path in site.root.glob("compressed_chunks/*/*/recipe.json")
    )
    each = [sum(1 for _ in site.root.glob("compressed_chunks/*/*/recipe.json")) for site in sites]
    tell("two workers, 500 chunks, leases in the repository", hub, seconds)
    twice = sum(1 for count in found.values() if count > 1)
    fetched = hub.count("blob")
    print(f"  done by each: {each}; {len(found)} chunks in all, {twice} done twice; {fetched} downloads")


def download(hub: FakeGithub, folder: Path) -> None:
    """Download 100 MB with the daemon's client, in a process of its own, and with curl, in turn."""
    data = random.Random(1).randbytes(BLOB)
    hub.commit({"large.bin": data})
    sha = hashlib.sha1(b"blob %d\0" % BLOB + data, usedforsecurity=False).hexdigest()
    url = f"{hub.repo_url}/git/blobs/{sha}"
    headers = ("-H", f"Authorization: Bearer {hub.token}", "-H", "Accept: application/vnd.github.raw+json")
    ours, theirs, peaks = [], [], []
    for _ in range(9):
        start = time.perf_counter()
        subprocess.run(["curl", "-sS", *headers, "-o", str(folder / "theirs"), url], check=True)
        theirs.append(time.perf_counter() - start)
        child = [sys.executable, __file__, "--one", hub.url, sha, str(folder / "ours")]
        done = subprocess.run(child, check=True, stdout=subprocess.PIPE, env={**os.environ, "GITHUB_TOKEN": hub.token})
        seconds, peak = map(float, done.stdout.split())
        ours.append(seconds)
        peaks.append(peak)
    ratios = sorted(curl / own for own, curl in zip(ours, theirs, strict=True))
    rates = [BLOB / statistics.median(times) / 1e6 for times in (ours, theirs)]
    print(f"download of 100 MB: {rates[0]:.0f} MB/s, curl {rates[1]:.0f} MB/s")
    print(f"  {statistics.median(ratios):.2f} of curl ({ratios[0]:.2f}-{ratios[-1]:.2f})")
    print(f"  memory grew by at most {max(peaks):.1f} MB")


def download_one(url: str, sha: str, target: Path) -> None:
    """Download `sha`; print seconds and by how many MB the peak memory grew."""
    clock = SystemClock()
    gate = Gate(clock, jitter=random.Random(1), sleep=time.sleep)
    repository = Repository("someone", "archive", url)
    token = os.environ["GITHUB_TOKEN"]
    downloader = Downloader(repository, token, gate=gate, requests=RequestsMade(), clock=clock)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    downloader.blob(sha, target, size=BLOB)
    seconds = time.perf_counter() - start
    print(seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000)
    downloader.close()


def make_site(folder: Path, name: str, hub: FakeGithub, **settings: str) -> Site:
    """Return a folder with a tree whose daemons work for the repository."""
    (folder / name).mkdir()
    site = Site(folder / name, github_repo=f"{hub.owner}/{hub.repo}", github_url=hub.url, github_poll="1s", **settings)
    site.environment = {"GITHUB_TOKEN": hub.token}
    return site


def files(count: int, chunks_each: int) -> dict[str, bytes]:
    """Return chunk trees of text that no two chunks share."""
    made: dict[str, bytes] = {}
    for number in range(count):
        text = [f"File {number}, part {part}. ".encode() * 400 for part in range(chunks_each)]
        made |= chunk_tree(f"file-{number:03d}.txt", text)
    return made


def tell(what: str, hub: FakeGithub, seconds: float) -> None:
    """Print how often GitHub was asked."""
    kinds = Counter(f"{request.method} {request.kind}" for request in hub.requests if request.status != 304)
    free = sum(1 for request in hub.requests if request.status == 304)
    print(f"{what}: {sum(kinds.values())} requests that count, {free} that do not, in {seconds:.0f} s")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))


if __name__ == "__main__":
    main()
