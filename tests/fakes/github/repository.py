"""A bare repository on disk, made without starting git, with what tests and endpoints ask of it."""

import re
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from fakes.github.commits import Commit, Person, load_commit
from fakes.github.objects import Batch, ObjectStore
from fakes.github.refs import Refs
from fakes.github.trees import EMPTY, SUBMODULE, Entry, edit_tree

CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[http]
\treceivepack = true
[receive]
\tunpackLimit = 100000
\tautogc = false
[gc]
\tauto = 0
[uploadpack]
\tallowAnySHA1InWant = true
\tallowFilter = true
"""
SHA = re.compile(r"[0-9a-f]{40}")


class BareRepository:
    """Objects, references and the lock that keeps their writers apart."""

    def __init__(self, folder: Path, default_branch: str) -> None:
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
            (folder / name).mkdir(parents=True)
        (folder / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n", "ascii")
        (folder / "config").write_text(CONFIG, "ascii")
        self.folder = folder
        self.default_branch = default_branch
        self.objects = ObjectStore(folder)
        self.refs = Refs(folder)
        self.lock = threading.RLock()
        self.objects.put("tree", b"")

    def resolve(self, name: str) -> str | None:
        """Return the object that a sha, a full reference, `heads/x`, a branch or a tag names; annotated tags peeled."""
        if SHA.fullmatch(name):
            return self._peel(name)
        if name == "HEAD":
            name = f"refs/heads/{self.default_branch}"
        for pattern in ("{}", "refs/{}", "refs/heads/{}", "refs/tags/{}"):
            full = pattern.format(name)
            sha = self.refs.get(full) if full.startswith("refs/") else None
            if sha is not None:
                return self._peel(sha)
        return None

    def resolve_commit(self, name: str) -> str | None:
        """Return the commit that `name` stands for, None where there is none."""
        sha = self.resolve(name)
        return sha if sha is not None and self.objects.kind(sha) == "commit" else None

    def resolve_tree(self, name: str) -> str | None:
        """Return the tree that `name` stands for, a commit's where it names a commit."""
        sha = self.resolve(name)
        kind = self.objects.kind(sha) if sha else None
        if sha is not None and kind == "commit":
            return load_commit(self.objects, sha).tree
        return sha if kind == "tree" else None

    def commit(
        self, branch: str, files: Mapping[str, bytes | None], modes: Mapping[str, str], message: str, who: Person
    ) -> str:
        """Commit `files` on top of `branch` (made where it is missing) and return the commit."""
        batch = Batch()
        edits: dict[str, Entry | None] = {}
        for path, data in files.items():
            mode = modes.get(path, "100644")
            if data is None:
                edits[path] = None
            elif mode == SUBMODULE:
                edits[path] = Entry(mode, data.decode("ascii"))
            else:
                edits[path] = Entry(mode, batch.put("blob", data))
        with self.lock:
            parent = self.refs.get(f"refs/heads/{branch}")
            tree = load_commit(self.objects, parent).tree if parent else EMPTY
            tree = edit_tree(self.objects, batch.put, tree, edits)
            commit = Commit(tree, (parent,) if parent else (), who, who, message)
            sha = batch.put("commit", commit.format())
            self.objects.put_all(batch)
            self.refs.set(f"refs/heads/{branch}", sha)
        return sha

    def person(self, when: datetime, name: str = "Fake Hub", email: str = "hub@example.invalid") -> Person:
        """Return someone at a time."""
        return Person(name, email, when)

    def _peel(self, sha: str) -> str | None:
        found = self.objects.find(sha)
        while found is not None and found.kind == "tag":
            sha = found.data.split(b"\n", 1)[0].split()[1].decode()
            found = self.objects.find(sha)
        return sha if found is not None else None
