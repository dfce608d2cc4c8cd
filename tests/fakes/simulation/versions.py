"""The files of a cloud: their contents over time, and when each mount sees which."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class View:
    """One mount's side. While its machine sleeps, and until it has caught up, it shows what it showed before."""

    name: str
    frozen_at: float = 0.0
    catches_up: float = 0.0

    def sees_until(self, now: float) -> float:
        """Return up to when changes by others are seen."""
        return self.frozen_at if now < self.catches_up else now


@dataclass(slots=True, eq=False)
class Version:
    """A content (None: deleted). `lands` is when the servers have it; `named` and `whole` are when views see
    that it is there, and all of it: until then `partial` bytes. A view that came later sees it when it lands.
    """

    data: bytes | None
    stamp: int
    author: View
    written: float
    lands: float
    partial: int
    named: dict[str, float] = field(default_factory=dict)
    whole: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Item:
    """A file of the servers. Two of them may have one path."""

    path: str
    versions: list[Version] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds: how late uploads may be, and how late a change shows elsewhere, from when it was made.

    `deletes_at_once`: a deletion or a move is done at the servers when it is done at all. `duplicates`: two mounts
    that make a file of one name without seeing each other's make two files.
    """

    upload: float
    longest: float
    shortest: float
    deletes_at_once: bool
    duplicates: bool


def is_gone(item: Item, now: float) -> bool:
    """Tell whether a file is deleted for everybody that sees what was to be seen at `now`."""
    if any(max(old.lands, *old.named.values(), 0.0) > now for old in item.versions):
        return False
    newest = max(item.versions, key=lambda old: old.lands, default=None)
    return newest is None or newest.data is None


def copy_name(name: str, number: int) -> str:
    """Return how the `number`-th file of one name is shown, counted from 0."""
    if not number:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"


def copy_path(path: str, number: int) -> str:
    """Return the path of the `number`-th file of one path."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + copy_name(name, number)
