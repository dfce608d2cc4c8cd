"""Checks of GitHub: token, permissions, rate limit, repository, path, clock."""

import random
from collections.abc import Iterator
from datetime import datetime

from panini_daemon.config import Settings
from panini_daemon.doctor.findings import Finding, bad, good, skipped, warning
from panini_daemon.doctor.tree import check_clock
from panini_daemon.storage.clock import Clock
from panini_daemon.storage.github.client import Answer, Client
from panini_daemon.storage.github.errors import GithubDenied, GithubError, GithubMissing
from panini_daemon.storage.github.gate import Gate
from panini_daemon.storage.github.repository import Repository
from panini_daemon.storage.github.requests_made import RequestsMade

_FEW = 200
_TIMEOUT = 15.0


def check_github(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Ask the repository what the worker would ask. Prints no token."""
    if not settings.github_repo:
        yield skipped("github", "no repository is set")
        yield from check_clock(None)
        return
    token = settings.github_token.get_secret_value() if settings.github_token else None
    owner, name = settings.github_repo.split("/")
    gate = Gate(clock, jitter=random.Random(), sleep=lambda _: None)  # noqa: S311  guards nothing
    client = Client(
        Repository(owner, name, settings.github_url), token, gate=gate, requests=RequestsMade(), timeout=_TIMEOUT
    )
    try:
        answer = client.get("repo", "")
    except GithubMissing:
        yield bad(
            "repository",
            f"GitHub knows no {settings.github_repo} for this token",
            "correct `github_repo`, or give the token access to it",
        )
        return
    except GithubDenied as error:
        yield bad("token", str(error), "make a new token and set GITHUB_TOKEN")
        return
    except GithubError as error:
        yield bad("repository", str(error), "nothing, if GitHub is down: the worker waits and goes on")
        return
    else:
        yield good("repository", f"{settings.github_repo} answers")
        yield _check_token(settings, answer, has_token=token is not None)
        yield _check_rate(answer)
        yield _check_path(settings, client, str(answer.data.get("default_branch", "")))
        yield from check_clock(_date_of(answer))
    finally:
        client.close()


def _check_token(settings: Settings, answer: Answer, *, has_token: bool) -> Finding:
    if not has_token:
        if settings.github_report == "off":
            return good("token", "none is set, and nothing is to be reported")
        return warning("token", "none is set: the repository is told nothing", "set GITHUB_TOKEN in the environment")
    expires = answer.headers.get("github-authentication-token-expiration")
    until = f", it expires {expires}" if expires else ""
    permissions = answer.data.get("permissions")
    writes = isinstance(permissions, dict) and bool(permissions.get("push"))
    wants = settings.github_report != "off" or settings.github_leases == "github" or settings.github_metadata
    if wants and not writes:
        return bad(
            "token",
            f"it may not write to the repository{until}",
            "give it Contents: read and write on this repository (docs/github.md)",
        )
    return good("token", f"accepted{', may write' if writes else ''}{until}")


def _check_rate(answer: Answer) -> Finding:
    left, limit = answer.headers.get("x-ratelimit-remaining"), answer.headers.get("x-ratelimit-limit")
    if left is None or not left.isdecimal():
        return skipped("rate limit", "GitHub does not tell")
    told = f"{left} of {limit} requests left this hour"
    if int(left) < _FEW:
        return warning("rate limit", told, "wait; with a token there are 5,000 an hour")
    return good("rate limit", told)


def _check_path(settings: Settings, client: Client, branch: str) -> Finding:
    ref = settings.github_ref or branch
    try:
        client.get("contents", f"/contents/{settings.github_path}", parameters={"ref": ref})
    except GithubMissing:
        return warning(
            "path",
            f"there is no {settings.github_path}/ at {ref}",
            "nothing, if no chunk was pushed yet; else correct `github_path` or `github_ref`",
        )
    except GithubError as error:
        return bad("path", str(error), "give the token Contents: read on this repository")
    return good("path", f"{settings.github_path}/ at {ref} is there")


def _date_of(answer: Answer) -> datetime | None:
    return answer.date if "date" in answer.headers else None
