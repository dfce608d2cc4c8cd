"""Putting files into a cloud folder with the rclone program, where the folder is not mounted."""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from panini_daemon.storage.errors import NotFound, StorageError, StoreFull, StoreReadOnly, StoreUnavailable, UnsafeName
from panini_daemon.storage.names import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, split_path

_PATIENCE, _SLOWEST = 300.0, 128 * 1024
"""Seconds that one command may take, and one second more for each so many bytes."""
_LINES, _LENGTH, _READ = 3, 600, 64 * 1024
_REMOTE = re.compile(r"(?![-\s])[^\x00-\x1f\x7f:/\\]+:[^\x00-\x1f\x7f]*|:[A-Za-z][^\x00-\x1f\x7f]*:[^\x00-\x1f\x7f]*")
_STAMP = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")
_SECRETS = (
    re.compile(
        r"""(?ix)((?:[\w-]{0,40}(?:token|secret|passw(?:or)?d|authorization|api_?key|access_key|signature)[\w-]{0,40}|\bpass|\bkey)
        ["']?\s*[:=]\s*)(?:(?:bearer|basic)\s+)?("(?:[^"\\]|\\.)*"?|'[^']*'?|\{[^}]*\}?|[^\s,&;"'}]+)"""
    ),
    re.compile(r"(?i)(\b(?:bearer|basic)\s+)([\w.~+/=-]{8,})"),
    re.compile(r"()(\bya29\.[\w.-]+|\b1//[\w-]{10,}|\bgh[pousr]_\w{16,}|\bgithub_pat_\w{20,}|\beyJ[\w-]{10,}[\w.-]*)"),
    re.compile(r"""(https?://[^\s?"']+\?)([^\s"']+)"""),
)
_HIDDEN = "***"

_MEANING: tuple[tuple[re.Pattern[str], type[StorageError], str], ...] = (
    (
        re.compile(r"(?i)storage ?quota|no space left|disk quota|insufficient (storage|space)|FileLimitExceeded"),
        StoreFull,
        "free space or quota; a service account has none on a personal Drive: use an OAuth remote or a shared drive",
    ),
    (
        re.compile(
            r"(?i)permission denied|insufficient\w* ?permission|insufficient\w*permissions|read-only|access denied"
        ),
        StoreReadOnly,
        "give the remote's user write permission; its scope must allow writing (drive or drive.file)",
    ),
    (
        re.compile(r"(?i)didn't find section in config|config file .* not found"),
        NotFound,
        "check the remote's name and that rclone's configuration holds it (RCLONE_CONFIG names the file)",
    ),
    (
        re.compile(r"(?i)invalid_grant|couldn't fetch token|empty token|token expired|unauthenticated|invalid_client"),
        StoreReadOnly,
        "sign in again (`rclone config reconnect NAME:`) and store the new configuration",
    ),
)
_LATER = "check the network and the remote, then run the command again"


class RcloneDrop:
    """Writes files below `remote` (`NAME:PATH`) with the program `binary`; paths are relative, split by `/`.

    rclone tries each command `retries` times, `pause` seconds apart. A command that outlives its time is ended:
    `patience` seconds and what its bytes may take. `environ` is what rclone may know, by default this process's
    environment; tokens of GitHub are not passed on.
    """

    def __init__(
        self,
        remote: str,
        binary: str = "rclone",
        *,
        retries: int = 3,
        pause: float = 5.0,
        patience: float = _PATIENCE,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet. Raises UnsafeName where `remote` is no remote."""
        if not _REMOTE.fullmatch(remote):
            raise UnsafeName(
                f"the remote {_hide(remote)[:80]!a} cannot be used; expected NAME:PATH with the NAME of a remote in "
                "rclone's configuration, such as drive:PaniniFS; a local folder is given as --root"
            )
        self._remote, self._binary, self._patience = remote, binary, patience
        self._flags = (
            "--log-level=ERROR",
            f"--retries={retries}",
            f"--retries-sleep={pause:g}s",
            "--low-level-retries=10",
            "--contimeout=30s",
            "--timeout=120s",
        )
        known = os.environ if environ is None else environ
        self._environ = {name: value for name, value in known.items() if not name.startswith(("GITHUB_", "ACTIONS_"))}

    @property
    def name(self) -> str:
        """How the remote is called in messages: without parameters, which may hold secrets."""
        head, _, path = self._remote.rpartition(":")
        return f"{head.split(',')[0]}:{path}"

    def put(self, path: str, source: Path) -> None:
        """Copy a local file to `path`, replacing another one. Raises StoreUnavailable, StoreFull, StoreReadOnly."""
        self._run(path, "copyto", (os.fspath(source), self._place(path)), source.stat().st_size)

    def write(self, path: str, data: bytes) -> None:
        """Write a small file that gets its name only when it is whole. Raises like `put`."""
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/{TEMPORARY_PREFIX}{name}{TEMPORARY_SUFFIX}".removeprefix("/")
        with tempfile.NamedTemporaryFile(prefix="panini-") as file:
            file.write(data)
            file.flush()
            self.put(temporary, Path(file.name))
        try:
            self._run(path, "moveto", (self._place(temporary), self._place(path)))
        except StorageError:
            self._discard(temporary)
            raise

    def delete(self, path: str) -> None:
        """Delete a file. Raises NotFound where it is not there, and like `put`."""
        self._run(path, "deletefile", (self._place(path),))

    def _discard(self, path: str) -> None:
        try:
            self.delete(path)
        except StorageError:
            # The move's own error is the one to report; no worker looks at what is left over.
            return

    def _place(self, path: str) -> str:
        split_path(path)
        return f"{self._remote}{'' if self._remote.endswith((':', '/')) else '/'}{path}"

    def _run(self, path: str, verb: str, arguments: Sequence[str], size: int = 0) -> None:
        limit = self._patience + size / _SLOWEST
        try:
            done = subprocess.run(  # noqa: S603  the program is the caller's, its arguments cannot be taken for flags
                [self._binary, verb, *self._flags, "--", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=self._environ,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StoreUnavailable(
                f"{self.name}: rclone {verb} of {path} was ended after {limit:.0f} seconds; {_LATER}"
            ) from None
        except OSError as error:
            raise StoreUnavailable(
                f"{self._binary} cannot be started ({error.strerror}); expected the rclone program; install it "
                "(`apt-get install rclone`)"
            ) from error
        if done.returncode:
            raise self._explain(path, verb, done.returncode, done.stderr.decode(errors="replace"))

    def _explain(self, path: str, verb: str, status: int, said: str) -> StorageError:
        said = said if len(said) <= _READ else said[-_READ:].partition("\n")[2]
        said = _hide(said.replace(self._remote, self.name))
        lines = [_STAMP.sub("", line).strip() for line in said.splitlines() if line.strip()]
        text = " | ".join(lines[-_LINES:]) or "it said nothing"
        text = text if len(text) <= _LENGTH else f"{text[:_LENGTH]}..."
        absent = status in (3, 4)  # "directory not found", "file not found" in rclone's list of exit codes
        kind: type[StorageError] = NotFound if absent else StoreUnavailable
        remedy = "check the path" if absent else _LATER
        kind, remedy = next((found[1:] for found in _MEANING if found[0].search(said)), (kind, remedy))
        return kind(f"{self.name}: rclone {verb} of {path} failed with status {status}: {text}; {remedy}")


def _hide(text: str) -> str:
    for secret in _SECRETS:
        text = secret.sub(rf"\1{_HIDDEN}", text)
    return text
