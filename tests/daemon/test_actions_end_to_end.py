"""From a push to the reported status: git, the workflows' own scripts, a daemon, a tree, and back."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.daemon_process import Site
from fakes.github.server import FakeGithub
from fakes.repository_files import FOLDER, chunk_tree

WORKFLOWS = Path(__file__).parents[2] / "workflows"
RUN = re.compile(r"^( *)(?:- )?run: (?:\|\n((?:\1 +.*\n|\n)+)|(.*)\n)", re.MULTILINE)
PROGRAMS = Path(sys.executable).parent
RCLONE = shutil.which("rclone", path=str(PROGRAMS)) or shutil.which("rclone")
TEXT = [b"To be, or not to be, that is the question.\n" * 80, b"", b"Whether 'tis nobler in the mind to suffer\n" * 30]
PICTURE = [b"\x89PNG\r\n\x1a\n", bytes(range(256)) * 20]

pytestmark = pytest.mark.slow


class Scene:
    """A repository, its users' working copy, and a root with daemons."""

    def __init__(self, folder: Path, hub: FakeGithub) -> None:
        self.folder, self.hub = folder, hub
        self.copy = folder / "copy"
        self.site = Site(
            folder, github_repo="someone/archive", github_url=hub.url, github_commit_status="true", log_level="debug"
        )
        self.site.environment = {"GITHUB_TOKEN": hub.token}
        self.clone(self.copy)

    def git(self, *arguments: str, cwd: Path | None = None) -> None:
        identity = ("-c", "user.name=Someone", "-c", "user.email=someone@example.org")
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(
            ["git", *identity, *arguments], cwd=cwd or self.copy, env=environment, check=True, capture_output=True
        )

    def clone(self, target: Path) -> None:
        url = self.hub.git_url.replace("://", f"://x-access-token:{self.hub.token}@")
        self.git("clone", "--quiet", url, str(target), cwd=self.folder)

    def push(self, *trees: dict[str, bytes]) -> None:
        """Commit chunk trees in the working copy and push them, with real git over HTTP."""
        self.git("pull", "--quiet", "--rebase")
        for path, data in (item for tree in trees for item in tree.items()):
            (self.copy / path).parent.mkdir(parents=True, exist_ok=True)
            (self.copy / path).write_bytes(data)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "Add files")
        self.git("push", "--quiet", "origin", "HEAD:main")

    def run(self, workflow: str, number: int, **environ: str) -> tuple[str, str]:
        """Run what the workflow's step runs, in a checkout of its own; return its output and its page's summary."""
        checkout, files = self.folder / f"run-{number}", self.folder / f"files-{number}"
        files.mkdir()
        self.clone(checkout)
        runs = [match[2] or match[3] for match in RUN.finditer((WORKFLOWS / workflow).read_text())]
        (script,) = [run for run in runs if "panini-daemon github" in run]
        environment = {
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "HOME": str(files),
            "GITHUB_REPOSITORY": "someone/archive",
            "GITHUB_API_URL": self.hub.url,
            "GITHUB_SHA": self.hub.head(),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_RUN_ID": str(number),
            "GITHUB_OUTPUT": str(files / "output"),
            "GITHUB_STEP_SUMMARY": str(files / "summary"),
            **environ,
        }
        done = subprocess.run(  # noqa: PLW1510  what it said is shown
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=checkout,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0, done.stdout
        for text in (done.stdout, (files / "summary").read_text()):
            assert self.hub.token not in text
        return done.stdout, (files / "summary").read_text()

    def deliver(self, number: int) -> None:
        """Start the receiving workflow for each dispatch that came, as GitHub does."""
        for event, payload in self.hub.dispatches:
            path = self.folder / f"event-{number}.json"
            path.write_text(json.dumps({"action": event, "client_payload": payload, "branch": "main"}))
            self.run("panini-receive.yml", number, GITHUB_TOKEN=self.hub.token, GITHUB_EVENT_PATH=str(path))
            number += 1
        self.hub.dispatches.clear()

    def statuses(self, base: str, count: int) -> list[str]:
        return [
            json.loads(self.hub.read(f"{FOLDER}/{base}/chunk_{number:04d}/metadata.json"))["status"]
            for number in range(count)
        ]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with FakeGithub(tmp_path) as hub:
        hub.commit({"README.md": b"# Archive\n"})
        made = Scene(tmp_path, hub)
        yield made
        made.site.close()


def test_the_worker_polls_and_the_workflow_records_what_it_reports(scene: Scene) -> None:
    scene.push(chunk_tree("lettres/à côté.txt", TEXT), chunk_tree("one.png", PICTURE, grammar_id="png_v1"))
    said, _ = scene.run("panini-pending.yml", 1, FOLDER=FOLDER)
    assert "2 file(s), 5 chunk(s)" in said
    assert "chunks=5" in (scene.folder / "files-1/output").read_text()
    assert scene.site.run_once().wait() == 0
    assert scene.site.restored("lettres/à côté.txt") == b"".join(TEXT)
    assert scene.site.restored("one.png") == b"".join(PICTURE)
    scene.deliver(2)
    assert scene.statuses("lettres/à côté.txt", 3) + scene.statuses("one.png", 2) == ["completed"] * 5
    assert {status["state"] for status in scene.hub.statuses} == {"success"}
    before = scene.hub.head()
    said, _ = scene.run("panini-pending.yml", 9, FOLDER=FOLDER)
    assert "0 chunk(s)" in said
    assert scene.site.run_once().wait() == 0
    assert (scene.hub.head(), scene.hub.dispatches) == (before, [])


@pytest.mark.skipif(RCLONE is None, reason="there is no rclone")
def test_the_workflow_drops_into_the_inbox_and_records_what_the_worker_reports(scene: Scene) -> None:
    config = scene.folder / "rclone.conf"
    config.write_text(f"[drive]\ntype = alias\nremote = {scene.site.root}\n")
    assert scene.site.store.list("inbox") == []
    scene.push(chunk_tree("lettres/à côté.txt", TEXT), chunk_tree("one.png", PICTURE, grammar_id="png_v1"))
    choices = {"LEVEL": "", "METHOD": "", "PRIORITY": "0", "AGAIN": "", "MARK": "--mark-queued"}
    drop = {"GITHUB_TOKEN": scene.hub.token, "RCLONE_CONFIG": str(config), "REMOTE": "drive:", "FOLDER": FOLDER}
    scene.run("panini-drop.yml", 1, **drop, **choices)
    assert scene.statuses("one.png", 2) == ["queued"] * 2
    assert len([name for name in scene.site.names("inbox") if name.endswith(".json")]) == 1
    scene.push({"unrelated.txt": b"meanwhile\n"})
    assert scene.site.run_once(github_poll="0s").wait() == 0
    assert scene.site.restored("lettres/à côté.txt") == b"".join(TEXT)
    recipe = json.loads((scene.site.root / "compressed_chunks/one.png/chunk_0001/recipe.json").read_text())
    assert (recipe["pattern_type"], recipe["source"]["repository"]) == ("text", "someone/archive")
    scene.deliver(2)
    assert scene.statuses("lettres/à côté.txt", 3) + scene.statuses("one.png", 2) == ["completed"] * 5
    assert scene.hub.read("unrelated.txt") == b"meanwhile\n"
    said, _ = scene.run("panini-drop.yml", 9, **drop, **choices)
    assert "no job" in said
