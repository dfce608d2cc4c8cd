"""What GitHub Actions tells a step, by environment variables, and what it takes from one, by files that these name."""

import html
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from panini_daemon.errors import UsageError
from panini_daemon.storage.clock import SystemClock
from panini_daemon.storage.github.errors import GithubUnavailable
from panini_daemon.storage.github.repository import PUBLIC_URL, Repository

if TYPE_CHECKING:
    from panini_daemon.storage.github.client import Client

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds that a step waits for GitHub, all waits together."""
_SOURCE = {"repository": "GITHUB_REPOSITORY", "commit": "GITHUB_SHA", "ref": "GITHUB_REF", "run_id": "GITHUB_RUN_ID"}
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MAX_ROWS = 500
"""Rows of a summary's table; GitHub takes 1 MiB of summary a step."""


def source_of_run(environ: Mapping[str, str]) -> dict[str, object]:
    """Return where a job comes from, for its manifest; what is not known is left out."""
    return {name: environ[variable] for name, variable in _SOURCE.items() if environ.get(variable)}


def find_branch(ref: str | None, environ: Mapping[str, str]) -> str:
    """Return the branch to write to: `ref` where given, else the one that the run is for. Raises UsageError."""
    if ref:
        return ref.removeprefix("refs/heads/")
    full, name = environ.get("GITHUB_REF", ""), environ.get("GITHUB_REF_NAME", "")
    if not name or not (full or "refs/heads/").startswith("refs/heads/"):
        raise UsageError(
            f"this run is for {full or 'no ref'} (GITHUB_REF), which is no branch; name the branch whose metadata.json "
            "files are to be written with --ref"
        )
    return name


def open_client(environ: Mapping[str, str]) -> "Client":
    """Return a client for the run's repository. Raises UsageError where the environment does not tell enough."""
    from panini_daemon.storage.github.client import Client  # noqa: PLC0415  imports requests
    from panini_daemon.storage.github.gate import Gate  # noqa: PLC0415
    from panini_daemon.storage.github.requests_made import RequestsMade  # noqa: PLC0415

    require_access(environ)
    owner, _, name = environ["GITHUB_REPOSITORY"].partition("/")
    repository = Repository(owner, name, environ.get("GITHUB_API_URL") or PUBLIC_URL)
    gate = Gate(SystemClock(), jitter=make_jitter(), sleep=time.sleep)
    return Client(repository, environ["GITHUB_TOKEN"], gate=gate, requests=RequestsMade())


def make_jitter() -> random.Random:
    """Return what spreads retries; it guards nothing."""
    return random.Random()  # noqa: S311


def require_access(environ: Mapping[str, str]) -> None:
    """Raise UsageError unless repository and token are given."""
    if not _REPOSITORY.fullmatch(environ.get("GITHUB_REPOSITORY", "")):
        raise UsageError(
            f"GITHUB_REPOSITORY is {environ.get('GITHUB_REPOSITORY', '')!a}; expected owner/name, as GitHub Actions "
            "sets it"
        )
    if not environ.get("GITHUB_TOKEN"):
        raise UsageError(
            "GITHUB_TOKEN is not set; expected a token that may write the repository's contents; in a workflow: "
            "`env: GITHUB_TOKEN: ${{ github.token }}` and `permissions: contents: write`"
        )


def persevere(action: Callable[[], T], *, sleep: Callable[[float], object], patience: float = PATIENCE) -> T:
    """Do `action`, again after each wait that GitHub asks for, of `patience` seconds in all. Raises what it raises."""
    left = patience
    while True:
        try:
            return action()
        except GithubUnavailable as error:
            if error.retry_in > left:
                raise
            # A little more than was asked for, so that rounding never makes this a busy loop.
            wait = max(error.retry_in, 0.05)
            left -= wait
            sleep(wait)


def write_outputs(environ: Mapping[str, str], outputs: Mapping[str, int]) -> None:
    """Tell later steps some numbers, where this is a step."""
    _append(environ.get("GITHUB_OUTPUT"), [f"{name}={value}" for name, value in outputs.items()])


def write_summary(
    environ: Mapping[str, str], title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], *said: str
) -> None:
    """Add a title, sentences and a table to the run's page, where this is a step."""
    lines = [f"### {title}", "", *(f"{_escape(one)}\n" for one in said)]
    if rows:
        lines += [_row(heads), _row(["---"] * len(heads))]
        lines += [_row([_escape(str(cell)) for cell in row]) for row in rows[:_MAX_ROWS]]
        lines += ["", f"... and {len(rows) - _MAX_ROWS} more"] if len(rows) > _MAX_ROWS else []
    _append(environ.get("GITHUB_STEP_SUMMARY"), [*lines, ""])


def plain(text: str) -> str:
    """Return a line of output that the runner does not take for a command, whatever names are in it.

    A line that begins with `::`, or has `##[` in it, is one ("Workflow commands for GitHub Actions").
    """
    text = _CONTROL.sub("?", text).replace("##[", "## [")
    return f"> {text}" if text.lstrip().startswith("::") else text


def _append(path: str | None, lines: Sequence[str]) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    """Return text that Markdown and HTML leave as it is, in one cell."""
    text = html.escape(_CONTROL.sub(" ", text), quote=False)
    return re.sub(r"([\\`*_{}\[\]~|@#!])", r"\\\1", text)
