"""Symbolic links in an inbox on a real disk: refused, told, and never followed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes.command_line import CommandLine
from fakes.deliveries import CHUNKS, job, write_tree

from panini_daemon.exit_codes import ExitCode
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.root import open_root

TREE = "inbox/pending_compression/photo.png"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    monkeypatch.delenv("PANINI_ARRIVAL_TIMEOUT", raising=False)
    line = CommandLine(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("PANINI_ARRIVAL_TIMEOUT", "100ms")
    monkeypatch.setenv("PANINI_ROOT", str(tmp_path / "R"))
    return line


@pytest.fixture
def store(cli: CommandLine) -> LocalStore:
    store = LocalStore(cli.folder / "R")
    open_root(store, create=True, clock=SystemClock())
    return store


def move_outside(path: Path, outside: Path) -> None:
    """Put a file or folder elsewhere and a link in its place."""
    outside.mkdir(exist_ok=True)
    shutil.move(path, outside / path.name)
    path.symlink_to(outside / path.name)


def link_data(store: LocalStore, outside: Path) -> None:
    write_tree(store, TREE)
    move_outside(store.root / TREE / "chunk_0001/data.bin", outside)


def link_metadata(store: LocalStore, outside: Path) -> None:
    write_tree(store, TREE)
    move_outside(store.root / TREE / "chunk_0001/metadata.json", outside)


def link_chunk(store: LocalStore, outside: Path) -> None:
    write_tree(store, TREE)
    move_outside(store.root / TREE / "chunk_0001", outside)


def link_tree_manifest(store: LocalStore, outside: Path) -> None:
    write_tree(store, TREE)
    move_outside(store.root / TREE / "manifest.json", outside)


def link_job_data(store: LocalStore, outside: Path) -> None:
    store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    store.write("inbox/j1.json", json.dumps(job()).encode())
    move_outside(store.root / "inbox/d1/data.bin", outside)


def link_job_folder(store: LocalStore, outside: Path) -> None:
    store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    store.write("inbox/j1.json", json.dumps(job()).encode())
    move_outside(store.root / "inbox/d1", outside)


def link_job_manifest(store: LocalStore, outside: Path) -> None:
    store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    store.write("inbox/j1.json", json.dumps(job()).encode())
    move_outside(store.root / "inbox/j1.json", outside)


@pytest.mark.parametrize(
    "deliver",
    [
        link_data,
        link_metadata,
        link_chunk,
        link_tree_manifest,
        link_job_data,
        link_job_folder,
        link_job_manifest,
    ],
)
def test_a_link_is_refused_and_what_it_points_to_is_kept(
    cli: CommandLine, store: LocalStore, deliver: Callable[[LocalStore, Path], None]
) -> None:
    outside = cli.folder / "outside"
    deliver(store, outside)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    ran = cli("run", "--once")
    assert ran.code == ExitCode.DAMAGE, ran.err
    (failed,) = (store.root / "failed").iterdir()
    assert json.loads((failed / "error.json").read_text())["error"] == "UnsafeName"
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before
    assert list((store.root / "compressed_chunks").rglob("compressed.bin")) == []
    assert cli("run", "--once").code == ExitCode.OK, "the refused job is not refused again"


def test_a_folder_of_the_inbox_that_is_a_link_is_not_looked_into(cli: CommandLine, store: LocalStore) -> None:
    write_tree(store, TREE)
    outside = cli.folder / "outside"
    move_outside(store.root / "inbox/pending_compression", outside)
    ran = cli("run", "--once")
    assert ran.code in (ExitCode.OK, ExitCode.DAMAGE)
    assert list((store.root / "compressed_chunks").iterdir()) == []
    assert (outside / "pending_compression/photo.png/manifest.json").exists()


def test_a_link_where_a_chunk_is_to_be_committed_is_not_followed(cli: CommandLine, store: LocalStore) -> None:
    outside = cli.folder / "outside"
    outside.mkdir()
    (store.root / "compressed_chunks/photo.png").symlink_to(outside)
    store.write("inbox/d1/data.bin", b"".join(CHUNKS))
    store.write("inbox/j1.json", json.dumps(job()).encode())
    assert cli("run", "--once").code == ExitCode.DAMAGE
    (failed,) = (store.root / "failed").iterdir()
    assert json.loads((failed / "error.json").read_text())["error"] == "UnsafeName"
    assert list(outside.iterdir()) == []
