"""What a shared folder's servers hold, and when each mount gets to see it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

_COPY = re.compile(r"(.*) \(([0-9]+)\)(\.[^.]*)?", re.DOTALL)
_MANY = 4


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


class Cloud:
    """All files. `wrote` is told every content as it is written: path, bytes."""

    def __init__(
        self, time: Callable[[], float], random: Random, delays: Delays, wrote: Callable[[str, bytes], None]
    ) -> None:
        self.delays = delays
        self._time = time
        self._random = random
        self._wrote = wrote
        self.views: list[View] = []
        self._items: dict[str, list[Item]] = {}
        self._children: dict[str, dict[str, None]] = {"": {}}
        self._stamp = 0

    def view(self, name: str) -> View:
        """Return a new mount's side, which shows all that has landed."""
        view = View(name)
        self.views.append(view)
        return view

    def close_view(self, view: View) -> None:
        """Forget a mount that is gone for good."""
        self.views.remove(view)

    def find(self, view: View | None, path: str) -> tuple[Item, Version] | None:
        """Return what a view (None: the servers) shows at a path."""
        for item in self._items.get(path, ()):
            if (shown := self._shown(view, item)) is not None:
                return item, shown
        if ")" in path and (match := _COPY.fullmatch(path)):
            number = int(match[2])
            for item in self._items.get(f"{match[1]}{match[3] or ''}", ()):
                if (shown := self._shown(view, item)) is not None:
                    if number == 0:
                        return item, shown
                    number -= 1
        return None

    def names(self, view: View | None, folder: str) -> dict[str, bool]:
        """Return the names that a view shows in a folder, and whether each is a folder itself."""
        prefix = f"{folder}/" if folder else ""
        found: dict[str, bool] = {}
        for name in tuple(self._children.get(folder, ())):
            path = prefix + name
            items = self._items.get(path, ())
            count = sum(self._shown(view, item) is not None for item in items)
            if count < len(items):
                self._tidy(path)
            for number in range(count):
                found[_copy_name(name, number)] = False
            if not count and path in self._children and self.is_folder(view, path):
                found[name] = True
        return found

    def is_folder(self, view: View | None, folder: str) -> bool:
        """Tell whether a view shows anything below a path."""
        return next(self.below(view, folder), None) is not None

    def below(self, view: View | None, folder: str) -> Iterator[tuple[str, Item, Version]]:
        """Yield path, item and version of all that a view shows below a folder."""
        for name in tuple(self._children.get(folder, ())):
            path = f"{folder}/{name}" if folder else name
            number = 0
            for item in tuple(self._items.get(path, ())):
                if (shown := self._shown(view, item)) is not None:
                    yield _copy_path(path, number), item, shown
                    number += 1
            if path in self._children:
                yield from self.below(view, path)

    def read(self, view: View | None, version: Version) -> bytes:
        """Return as much of a version as a view has."""
        data = version.data or b""
        if view is None or version.author is view:
            return data
        seen = view.sees_until(self._time())
        return data if version.whole.get(view.name, version.lands) <= seen else data[: version.partial]

    def write(self, view: View, path: str, data: bytes) -> None:
        """Write a file, over what the view shows there."""
        self._wrote(path, data)
        shown = self.find(view, path)
        self._change(view, shown[0] if shown else self._create(path), data, at_once=False)

    def delete(self, view: View, item: Item) -> None:
        """Delete a file that the view shows."""
        self._change(view, item, None, at_once=self.delays.deletes_at_once)

    def move(self, view: View, item: Item, version: Version, target: str) -> None:
        """Rename a file that the view shows; both names change at the servers at one time."""
        data = self.read(view, version)
        self._wrote(target, data)
        shown = self.find(view, target)
        gone = self._change(view, item, None, at_once=self.delays.deletes_at_once)
        made = self._change(view, shown[0] if shown else self._create(target), data, at_once=False)
        made.lands = gone.lands
        for times in (made.named, made.whole):
            for name in times:
                if name != view.name:
                    times[name] = max(times[name], made.lands)

    def pending(self, view: View, path: str) -> bool:
        """Tell whether something that the view wrote at a path has not landed."""
        shown = self.find(view, path)
        return shown is not None and shown[1].author is view and shown[1].lands > self._time()

    def freeze(self, view: View, seconds: float, behind: float) -> None:
        """Let a view stand still for `seconds`, its uploads with it, and be `behind` for that long afterwards."""
        now = self._time()
        view.frozen_at, view.catches_up = view.sees_until(now), now + seconds + behind
        for version in self._unlanded(view):
            version.lands += seconds
            for times in (version.named, version.whole):
                for name in times:
                    if name != view.name:
                        times[name] += seconds

    def crash(self, view: View, keeps: Callable[[], float | None]) -> None:
        """Let a mount end. `keeps` tells of each change not landed when it lands all the same, None for never."""
        now = self._time()
        for version in self._unlanded(view):
            late = keeps()
            if late is None:
                self._forget(version)
                continue
            version.lands = now + late
            for other in self.views:
                if other is not view:
                    version.whole[other.name] = version.lands + self._random.uniform(0, self.delays.longest)
                    version.named[other.name] = self._random.uniform(version.lands, version.whole[other.name])

    def settle(self) -> None:
        """Have everything landed and seen by everybody now."""
        for items in self._items.values():
            for version in (version for item in items for version in item.versions):
                version.lands = version.written
                version.named.clear()
                version.whole.clear()

    def is_unsettled(self) -> bool:
        """Tell whether anything has yet to land."""
        now = self._time()
        return any(old.lands > now for items in self._items.values() for item in items for old in item.versions)

    def _unlanded(self, view: View) -> list[Version]:
        now = self._time()
        return [
            version
            for items in self._items.values()
            for item in items
            for version in item.versions
            if version.author is view and version.lands > now
        ]

    def _shown(self, view: View | None, item: Item) -> Version | None:
        now = self._time()
        seen = now if view is None else view.sees_until(now)
        best: Version | None = None
        for version in item.versions:
            if version.author is view:
                if version.lands > now:
                    return version if version.data is not None else None
            elif (version.lands if view is None else version.named.get(view.name, version.lands)) > seen:
                continue
            if version.lands <= now and (best is None or version.lands >= best.lands):
                best = version
        return best if best is not None and best.data is not None else None

    def _change(self, view: View, item: Item, data: bytes | None, *, at_once: bool) -> Version:
        now, draw, delays = self._time(), self._random.uniform, self.delays
        if not delays.duplicates and not item.versions:
            item = self._merge(item)
        before = next((old for old in item.versions if old.author is view and old.lands > now), None)
        self._stamp += 1
        lands = now if at_once else now + draw(0, delays.upload)
        size = len(data or b"")
        version = Version(data, self._stamp, view, now, lands, self._random.choice((0, size // 2)))
        for other in self.views:
            if other is view:
                continue
            whole = max(lands, now + draw(delays.shortest, delays.longest))
            version.named[other.name] = draw(max(lands, now + delays.shortest), whole)
            version.whole[other.name] = whole
        if before is not None:  # what was not uploaded yet never will be; its turn is the new content's
            item.versions.remove(before)
            version.lands = min(version.lands, before.lands)
            for name, seen in before.named.items():
                version.named[name] = min(seen, version.named.get(name, seen))
        item.versions.append(version)
        if len(item.versions) > _MANY:
            self._prune(item)
        return version

    def _create(self, path: str) -> Item:
        item = Item(path)
        self._items.setdefault(path, []).append(item)
        child = path
        while child:
            folder, _, name = child.rpartition("/")
            known = self._children.setdefault(folder, {})
            if name in known:
                break
            known[name] = None
            child = folder
        return item

    def _merge(self, item: Item) -> Item:
        """Take a new file for the one that has its name already, where the servers do so."""
        first = self._items[item.path][0]
        if first is not item:
            self._items[item.path].remove(item)
        return first

    def _forget(self, version: Version) -> None:
        for items in self._items.values():
            for item in items:
                if version in item.versions:
                    item.versions.remove(version)
                    return

    def _tidy(self, path: str) -> None:
        """Forget files at a path that are gone for everybody."""
        now = self._oldest_sight()
        self._items[path] = [item for item in self._items[path] if not _is_gone(item, now)]
        while path and not self._items.get(path) and not self._children.get(path):
            self._items.pop(path, None)
            self._children.pop(path, None)
            folder, _, name = path.rpartition("/")
            self._children[folder].pop(name)
            path = folder

    def _oldest_sight(self) -> float:
        now = self._time()
        return min([now, *(view.sees_until(now) for view in self.views)])

    def _prune(self, item: Item) -> None:
        """Drop versions that nobody sees any more."""
        now = self._oldest_sight()
        landed = [old for old in item.versions if old.lands <= now and max(old.named.values(), default=0.0) <= now]
        newest = max(landed, key=lambda old: old.lands, default=None)
        if newest is not None:
            item.versions = [old for old in item.versions if old is newest or old.lands > newest.lands]


def _is_gone(item: Item, now: float) -> bool:
    if any(max(old.lands, *old.named.values(), 0.0) > now for old in item.versions):
        return False
    newest = max(item.versions, key=lambda old: old.lands, default=None)
    return newest is None or newest.data is None


def _copy_name(name: str, number: int) -> str:
    if not number:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}).{ending}" if dot else f"{name} ({number})"


def _copy_path(path: str, number: int) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + _copy_name(name, number)
