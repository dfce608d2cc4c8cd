"""What GitHub's refusals mean: one table from a status to an error, for the API's client and for downloads."""

import re
from collections.abc import Mapping

from panini_daemon.storage.github.errors import (
    GithubConflict,
    GithubDenied,
    GithubError,
    GithubMissing,
    GithubRefused,
)
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository

_LIMITED = ("rate limit", "abuse")
_TOO_LARGE = ("too large", "too big")
_CHANGED = ("already exists", "does not exist", "fast forward", "fast-forward", "cannot be updated")
_TOKEN = re.compile(r"\b(?:gh[a-z]_|github_pat_)\w{8,}|\b(?i:basic|bearer|token) +[\w+/=.-]{16,}")
_LONGEST_SAID = 300


def explain(
    gate: Gate,
    repository: Repository,
    what: str,
    status: int,
    headers: Mapping[str, str],
    said: str,
    *,
    writing: bool = False,
) -> GithubError:
    """Return the error to raise for an answer that is a refusal, and tell the gate of it.

    `headers` have lower-case names, `said` is GitHub's own message (see `quote`). 401, rate limits (429, and 403 that
    says so) and server errors close the gate: GithubUnavailable; the rest concerns this request alone.
    """
    text = f"{what}: GitHub says {status} {said}".rstrip()
    if status == 401:
        return gate.refused(f"GitHub refuses the token ({status} {said}); set a valid GITHUB_TOKEN and restart")
    if status == 429 or (status == 403 and _is_limit(headers, said)):
        return gate.limited(status, headers)
    if status == 408 or (status >= 500 and status != 501):
        return gate.failed(text, headers)
    gate.answered(headers)
    return _refusal(repository, status, said, text, writing=writing)


def quote(said: object, token: str | None) -> str:
    """Return what a server said as one line for a message: short, and without a token that it echoes."""
    text = said if isinstance(said, str) else ""
    if token:
        text = text.replace(token, "***")
    text = " ".join(_TOKEN.sub("***", text).split())
    return text if len(text) <= _LONGEST_SAID else text[: _LONGEST_SAID - 3] + "..."


def _refusal(repository: Repository, status: int, said: str, text: str, *, writing: bool) -> GithubError:
    """Return the error for an answer that concerns one request alone."""
    if status == 403 and _has(said, _TOO_LARGE):
        return GithubRefused(f"{text}; expected what the API can serve: keep larger files in Git LFS or smaller chunks")
    if status == 403:
        permission = "write access to its contents" if writing else "read access to its contents"
        return GithubDenied(f"{text}; expected a token with {permission} ({repository.full_name})")
    if status in (404, 410):
        return GithubMissing(f"{text}; expected it in {repository.full_name}, visible to the token")
    if status == 409 or (status == 422 and _has(said, _CHANGED)):
        return GithubConflict(text)
    return GithubRefused(text)


def _is_limit(headers: Mapping[str, str], said: str) -> bool:
    limited = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return limited or _has(said, _LIMITED)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said.lower() for word in words)
