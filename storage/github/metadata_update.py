"""Write the state of chunks into their metadata.json: one commit for many, safe against others' pushes.

The branch moves by compare-and-swap: a commit made on the head that was read, and an update of the branch that
GitHub refuses unless it is a fast-forward ("Git database" of the REST API's documentation).
"""

import base64
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from panini_daemon.storage.chunk_state import Change, apply_change
from panini_daemon.storage.errors import ManifestInvalid, UnsafeName
from panini_daemon.storage.github.client import Client
from panini_daemon.storage.github.errors import GithubConflict, GithubRefused
from panini_daemon.storage.github.texts import read_texts, text_queries
from panini_daemon.storage.github.tree_search import File, find_files
from panini_daemon.storage.json_input import MAX_METADATA_BYTES
from panini_daemon.storage.names import safe_path

_FIRST_WAIT, _LONGEST_WAIT = 0.5, 20.0
_UNCHANGED: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Updated:
    """What came of an update.

    `commit` is None where nothing had to change; `changed` counts files; `skipped` has a reason for each chunk
    whose metadata.json cannot be written, ever.
    """

    commit: str | None
    changed: int = 0
    skipped: Mapping[str, str] = field(default_factory=lambda: _UNCHANGED)


def update_metadata(
    client: Client,
    changes: Mapping[str, Change],
    *,
    ref: str,
    sleep: Callable[[float], object],
    jitter: random.Random,
    attempts: int = 8,
    message: str = "",
) -> Updated:
    """Bring the metadata.json in each chunk folder of the branch `ref` to its new state, all in one commit.

    `changes` maps folders of the repository to what they are to say. Changes that are there already make no
    commit, so that repeating an update is harmless. Where somebody pushed meanwhile, it is done again on top of
    that after a wait of random length. Raises GithubConflict after `attempts`, and what the client raises.
    """
    skipped, wanted = _check(changes)
    branch = quote(ref.removeprefix("refs/heads/"), safe="/")
    blobs: dict[str, bytes] = {}
    for attempt in range(attempts):
        if attempt:
            sleep(jitter.uniform(0.0, min(_LONGEST_WAIT, _FIRST_WAIT * 2.0**attempt)))
        try:
            return _update(client, wanted, branch, skipped, blobs, message)
        except GithubConflict as error:
            conflict = error
    raise GithubConflict(f"the branch {ref} was changed by others during each of {attempts} attempts: {conflict}")


def _check(changes: Mapping[str, Change]) -> tuple[dict[str, str], dict[str, Change]]:
    skipped, wanted = {}, {}
    for folder, change in changes.items():
        try:
            wanted[safe_path(folder)] = change
        except UnsafeName as error:
            skipped[folder] = str(error)
    return skipped, wanted


def _update(
    client: Client,
    changes: Mapping[str, Change],
    branch: str,
    unsafe: Mapping[str, str],
    blobs: dict[str, bytes],
    message: str,
) -> Updated:
    """Try once. `blobs` keeps what was read, by its SHA-1, for the next attempt."""
    skipped = dict(unsafe)
    if not changes:
        return Updated(None, skipped=skipped)
    head = _sha(client.get("head", f"/git/ref/heads/{branch}").data, "object")
    tree = _sha(client.get("commit", f"/git/commits/{head}").data, "tree")
    files = find_files(client, tree, [_path(folder) for folder in changes])
    sizes = {file.sha: file.size for file in files.values() if file.sha not in blobs}
    if len(sizes) > 1:
        blobs |= read_texts(text_queries(client, clock=client.gate.clock), sizes)
    edits = []
    for folder, change in changes.items():
        path = _path(folder)
        try:
            file = _require(files.get(path), path)
            if file.sha not in blobs:
                blobs[file.sha] = _read(client, file.sha)
            new = apply_change(blobs[file.sha], change, path)
        except ManifestInvalid as error:
            skipped[folder] = str(error)
            continue
        if new != blobs[file.sha]:
            edits.append({"path": path, "mode": file.mode, "type": "blob", "content": new.decode()})
    if not edits:
        return Updated(None, skipped=skipped)
    # [skip ci]: the commit must not set off the workflows that compress what is pushed.
    said = message or f"Record the state of {len(edits)} chunk{'s' * (len(edits) > 1)} [skip ci]"
    new_tree = _sha(client.send("metadata", "POST", "/git/trees", {"base_tree": tree, "tree": edits}, together=3).data)
    body = {"message": said, "tree": new_tree, "parents": [head]}
    commit = _sha(client.send("metadata", "POST", "/git/commits", body, together=0).data)
    client.send("metadata", "PATCH", f"/git/refs/heads/{branch}", {"sha": commit, "force": False}, together=0)
    return Updated(commit, len(edits), skipped)


def _path(folder: str) -> str:
    return f"{folder}/metadata.json"


def _require(file: File | None, path: str) -> File:
    if file is None:
        raise ManifestInvalid(f"the repository has no file {path} (any more)")
    if file.size > MAX_METADATA_BYTES:
        raise ManifestInvalid(f"{path} has {file.size} bytes; expected at most {MAX_METADATA_BYTES}")
    return file


def _read(client: Client, sha: str) -> bytes:
    data = client.get("blob", f"/git/blobs/{sha}").data
    try:
        if data["encoding"] == "base64":
            return base64.b64decode(data["content"])
        return str(data["content"]).encode()
    except (KeyError, TypeError, ValueError) as error:  # b64decode raises ValueErrors of several kinds
        raise GithubRefused(f"GitHub's answer for the blob {sha} is no blob; ask again later") from error


def _sha(data: Any, *names: str) -> str:
    """Return the SHA-1 that an answer names, below `names`."""
    for name in (*names, "sha"):
        data = data.get(name) if isinstance(data, dict) else None
    if not isinstance(data, str):
        raise GithubRefused("GitHub's answer names no object; ask again later")
    return data
