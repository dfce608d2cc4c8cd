"""Git commits: parsed, written, and asked whose ancestors they are."""

from dataclasses import dataclass
from datetime import UTC, datetime

from fakes.github.objects import ObjectStore


@dataclass(frozen=True)
class Person:
    """Who wrote or committed, and when (UTC, whole seconds)."""

    name: str
    email: str
    when: datetime

    def line(self) -> str:
        """Return what a commit object holds of it."""
        return f"{self.name} <{self.email}> {int(self.when.timestamp())} +0000"

    def json(self) -> dict[str, str]:
        """Return GitHub's form."""
        return {"name": self.name, "email": self.email, "date": self.when.strftime("%Y-%m-%dT%H:%M:%SZ")}


@dataclass(frozen=True)
class Commit:
    """A commit object's fields."""

    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    def format(self) -> bytes:
        """Return the commit object's bytes."""
        lines = [f"tree {self.tree}", *(f"parent {parent}" for parent in self.parents)]
        lines += [f"author {self.author.line()}", f"committer {self.committer.line()}", "", self.message]
        return "\n".join(lines).encode()


@dataclass(frozen=True)
class Tag:
    """An annotated tag's fields; `target` is the name of what it stands for, `kind` what that is."""

    target: str
    kind: str
    name: str
    tagger: Person
    message: str

    def format(self) -> bytes:
        """Return the tag object's bytes."""
        head = f"object {self.target}\ntype {self.kind}\ntag {self.name}\ntagger {self.tagger.line()}"
        return f"{head}\n\n{self.message}".encode()


def parse_commit(data: bytes) -> Commit:
    """Return a commit's fields."""
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.split("\n"):
        name, _, value = line.partition(" ")
        fields.setdefault(name, []).append(value)
    author, committer = _parse_person(fields["author"][0]), _parse_person(fields["committer"][0])
    return Commit(fields["tree"][0], tuple(fields.get("parent", ())), author, committer, message)


def load_commit(objects: ObjectStore, sha: str) -> Commit:
    """Return the commit `sha`; KeyError where there is no such commit."""
    return parse_commit(objects.read(sha, "commit"))


def parse_tag(data: bytes) -> Tag:
    """Return an annotated tag's fields."""
    head, _, message = data.decode("utf-8", "replace").partition("\n\n")
    fields = dict(line.split(" ", 1) for line in head.split("\n"))
    return Tag(fields["object"], fields["type"], fields["tag"], _parse_person(fields["tagger"]), message)


def is_ancestor(objects: ObjectStore, old: str, new: str) -> bool:
    """Return whether the commit `old` is `new` or among what it came from."""
    seen, waiting = {new}, [new]
    while waiting:
        sha = waiting.pop()
        if sha == old:
            return True
        if objects.kind(sha) != "commit":
            continue
        fresh = set(load_commit(objects, sha).parents) - seen
        seen |= fresh
        waiting += fresh
    return False


def _parse_person(line: str) -> Person:
    name, _, rest = line.partition(" <")
    email, _, when = rest.rpartition("> ")
    return Person(name, email, datetime.fromtimestamp(int(when.split()[0]), UTC))
